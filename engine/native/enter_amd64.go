package native

import (
	"unsafe"

	_ "github.com/ebitengine/purego" // makes runtime.cgocall available without cgo
)

// cgocall runs fn(arg) on the system stack as a system call: the garbage collector and the scheduler do not wait for it.
//
//go:linkname cgocall runtime.cgocall
func cgocall(fn, arg unsafe.Pointer) int32

// enterABI0 is the address of the assembly routine enter.
var enterABI0 uintptr

// enter makes the calls that r describes and tells whether all of them returned. While it runs, r.active is set and
// r.index is the call in progress.
func enter(r *record) bool {
	return cgocall(*(*unsafe.Pointer)(unsafe.Pointer(&enterABI0)), unsafe.Pointer(r)) == 0
}
