// Package peer does with purego what a host without hotreload would do: load a library, ask it for its API, call its tick
// through reflection, drop the library and hope that it has gone.
package peer

import (
	"fmt"
	"runtime"

	"github.com/ebitengine/purego" //nolint:depguard // purego itself is what this is about
)

// Library is a loaded library.
type Library struct {
	handle uintptr
	api    uintptr
}

// Load loads the library at path and calls its logic_get_api.
func Load(path string) (*Library, error) {
	runtime.LockOSThread() // purego asks for the error text in a second call
	defer runtime.UnlockOSThread()
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	get, err := purego.Dlsym(handle, "logic_get_api")
	if err != nil {
		_ = purego.Dlclose(handle)
		return nil, fmt.Errorf("look up logic_get_api: %w", err)
	}
	api, _, _ := purego.SyscallN(get)
	return &Library{handle: handle, api: api}, nil
}

// API returns the address of the library's logic_api_t.
func (l *Library) API() uintptr { return l.api }

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
