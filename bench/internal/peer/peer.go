// Package peer does with purego what a host without hotreload would do: load a library, take the address of its tick,
// call it through reflection, drop the library and hope that it has gone.
package peer

import (
	"fmt"
	"runtime"

	"github.com/ebitengine/purego" //nolint:depguard // purego itself is what this is about
)

// Library is a loaded library.
type Library struct {
	handle uintptr
	tick   uintptr
}

// Load loads the library at path and looks up its tick.
func Load(path, tick string) (*Library, error) {
	runtime.LockOSThread() // purego asks for the error text in a second call
	defer runtime.UnlockOSThread()
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	f, err := purego.Dlsym(handle, tick)
	if err != nil {
		_ = purego.Dlclose(handle)
		return nil, fmt.Errorf("look up %s: %w", tick, err)
	}
	return &Library{handle: handle, tick: f}, nil
}

// Tick returns the address of the tick.
func (l *Library) Tick() uintptr { return l.tick }

// Close drops the library.
func (l *Library) Close() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := purego.Dlclose(l.handle); err != nil {
		return fmt.Errorf("close the library: %w", err)
	}
	return nil
}

// Func returns tick as a Go function, made by purego.RegisterFunc.
func Func(tick uintptr) (call func(state uintptr, dt float64)) {
	purego.RegisterFunc(&call, tick)
	return call
}
