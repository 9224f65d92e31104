//go:build cgo

package cgocall

/*
#include <stdint.h>

typedef void (*tick_t)(void *, double);

static void call(uintptr_t f, uintptr_t state, double dt) { ((tick_t)f)((void *)state, dt); }
static void call_pointer(void *f, void *state, double dt) { ((tick_t)f)(state, dt); }
*/
import "C"

import "unsafe"

// Available tells whether this program can call through cgo.
const Available = true

// Tick calls f(state, dt) in the cheapest way that cgo has: its arguments are numbers, so none is checked.
func Tick(f, state uintptr, dt float64) { C.call(C.uintptr_t(f), C.uintptr_t(state), C.double(dt)) }

// TickPointer calls f(state, dt) in the usual way, with pointers, which cgo checks.
func TickPointer(f, state unsafe.Pointer, dt float64) { C.call_pointer(f, state, C.double(dt)) }
