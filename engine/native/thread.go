package native

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// record is what the assembly reads and writes during a call: see enter_amd64.s for the offsets. It is allocated once
// for a Thread on the Go heap, which never moves objects, and holds no Go pointers.
type record struct {
	fn     uintptr // the function
	base   uintptr // first argument of the first call
	stride uintptr // added to the first argument after each call
	count  uintptr // calls
	dt     float64 // first floating-point argument
	args   [3]uintptr
	index  uintptr // calls completed; while active, the one in progress
	result uintptr // what the last call returned
	sp     uintptr // stack pointer to return to
	active uintptr // 1 while native code runs
	tid    uintptr // of the thread
}

// Thread is an operating-system thread that may call native code. It must be used on the goroutine that made it, which
// stays locked to its thread until Release.
type Thread struct {
	rec *record
}

// NewThread locks the calling goroutine to its thread.
func NewThread() *Thread {
	runtime.LockOSThread()
	return &Thread{rec: &record{tid: uintptr(unix.Gettid())}}
}

// Release unlocks the goroutine. One that ends without Release takes its thread with it, and with the thread its
// thread-local storage.
func (t *Thread) Release() { runtime.UnlockOSThread() }

// Each calls fn(state) for count states, the first at base, each stride bytes after the last. fn must be a function
// with the C ABI that takes a pointer; the states must lie outside the Go heap and stacks. It does not allocate.
func (t *Thread) Each(fn, base, stride uintptr, count int) {
	t.call(record{fn: fn, base: base, stride: stride, count: uintptr(count)})
}

// Tick calls fn(state, dt) for count states, as Each does.
func (t *Thread) Tick(fn, base, stride uintptr, count int, dt float64) {
	t.call(record{fn: fn, base: base, stride: stride, count: uintptr(count), dt: dt})
}

// TickBatch calls fn(base, stride, count, dt) once.
func (t *Thread) TickBatch(fn, base, stride uintptr, count int, dt float64) {
	t.call(record{fn: fn, base: base, count: 1, args: [3]uintptr{stride, uintptr(count)}, dt: dt})
}

// Seed calls fn(state, seed).
func (t *Thread) Seed(fn, state uintptr, seed uint64) {
	t.call(record{fn: fn, base: state, count: 1, args: [3]uintptr{uintptr(seed)}})
}

// Get calls fn() and returns the pointer that it returns.
func (t *Thread) Get(fn uintptr) uintptr {
	t.call(record{fn: fn, count: 1})
	return t.rec.result
}

func (t *Thread) call(c record) {
	r := t.rec
	r.fn, r.base, r.stride, r.count = c.fn, c.base, c.stride, c.count
	r.dt, r.args, r.index = c.dt, c.args, 0
	enter(r)
}

// bytesAt views n bytes of native memory. The caller knows that they are mapped and stay so.
func bytesAt(addr uintptr, n int) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), n)
}
