// build: CGO_ENABLED=1 go build -buildmode=c-shared -o goplugin.so goplugin/main.go
// alone: stays
// A plugin in Go: a second Go runtime in the process, with threads and signal handlers of its own. It can never be
// unloaded.
// The host must find the Go runtime at inspection and refuse the file before it is mapped.

//go:build ignore

package main

// #cgo CFLAGS: -I${SRCDIR}/../..
// #include "logic.h"
// void go_init(void *state);
// void go_tick(void *state, double dt);
// void go_shutdown(void *state);
// static inline logic_api_t *table(void) {
//     static logic_api_t api = {
//         .api_version = LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION, .state_size = 16,
//         .init = go_init, .tick = go_tick, .shutdown = go_shutdown,
//     };
//     return &api;
// }
import "C"

import "unsafe"

type state struct {
	score int32
	time  float64
}

//export go_init
func go_init(p unsafe.Pointer) { *(*state)(p) = state{} }

//export go_tick
func go_tick(p unsafe.Pointer, dt C.double) {
	s := (*state)(p)
	s.score++
	s.time += float64(dt)
}

//export go_shutdown
func go_shutdown(unsafe.Pointer) {}

//export logic_get_api
func logic_get_api() *C.logic_api_t { return C.table() }

func main() {}
