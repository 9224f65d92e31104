//go:build !cgo

package cgocall

import "unsafe"

// Available tells whether this program can call through cgo.
const Available = false

// Tick panics: see Available.
func Tick(f, state uintptr, dt float64) { panic("cgocall: built without cgo") }

// TickPointer panics: see Available.
func TickPointer(f, state unsafe.Pointer, dt float64) { panic("cgocall: built without cgo") }
