package native

import (
	"fmt"
	"path/filepath"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// Library is an open shared library.
type Library struct {
	path   string
	handle uintptr
	image  Image
	text   Segment // from the lowest executable address to the highest
}

// LoadError says why a library could not be loaded.
type LoadError struct {
	Path   string
	Reason string
	Hint   string // what the user can do; may be empty
}

// Error implements error.
func (e *LoadError) Error() string {
	s := fmt.Sprintf("cannot load %s: %s", filepath.Base(e.Path), e.Reason)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Open loads the library at path, resolving every symbol now and exporting none. The path must be absolute and never
// have been loaded before: the loader would hand back the old library. Its constructors run in this call.
func Open(path string) (*Library, error) {
	runtime.LockOSThread() // purego asks for the error text in a second call
	defer runtime.UnlockOSThread()
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, &LoadError{Path: path, Reason: err.Error(), Hint: "link the plugin with -Wl,-z,defs to find undefined symbols at build time"}
	}
	// A handle is glibc's struct link_map, whose first member is the load base.
	base := *(*uintptr)(*(*unsafe.Pointer)(unsafe.Pointer(&handle)))
	img, err := imageOf(path, base)
	if err != nil {
		_ = purego.Dlclose(handle)
		return nil, &LoadError{Path: path, Reason: err.Error()}
	}
	return &Library{path: path, handle: handle, image: img, text: img.text()}, nil
}

// Preload opens a system library that others depend on and keeps it for
// good, whoever closes it. A library that is not there is not an error.
func Preload(name string) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const nodelete = 0x1000 // RTLD_NODELETE
	_, _ = purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL|nodelete)
}

// Path returns the file that was opened.
func (l *Library) Path() string { return l.path }

// Image returns the library's place in memory.
func (l *Library) Image() Image { return l.image }

// Symbol returns the address of a function that the library itself defines.
func (l *Library) Symbol(name string) (uintptr, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	addr, err := purego.Dlsym(l.handle, name)
	if err != nil {
		return 0, &LoadError{Path: l.path, Reason: err.Error()}
	}
	if !l.image.Text(addr) { // dlsym also searches what the library depends on
		return 0, &LoadError{Path: l.path, Reason: fmt.Sprintf("%s at %#x is not a function of the library itself", name, addr)}
	}
	return addr, nil
}

// Prefault brings the library's pages into memory, writable ones as private copies, so that the first calls do not pay
// for page faults. Failure to do so is no error.
func (l *Library) Prefault() {
	page := uintptr(unix.Getpagesize())
	for _, s := range l.image.Segments {
		low, high := s.Low&^(page-1), (s.High+page-1)&^(page-1)
		mem := bytesAt(low, int(high-low))
		if !s.Write || unix.Madvise(mem, unix.MADV_POPULATE_WRITE) != nil { // relocated read-only data refuses the write
			_ = unix.Madvise(mem, unix.MADV_POPULATE_READ)
		}
	}
}

// Close drops the library and tells whether it is still mapped afterwards, which dlclose itself never says: a library
// can be pinned by its flags, its unique symbols or its thread-local destructors. No code of it may be running.
func (l *Library) Close() (pinned bool, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := purego.Dlclose(l.handle); err != nil {
		return true, fmt.Errorf("close %s: %w", filepath.Base(l.path), err)
	}
	if l.image.absent() {
		return false, nil
	}
	return mapped(l.path) // something is there: the library, or what another thread has mapped since
}
