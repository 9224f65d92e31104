package native

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// record is what the assembly reads and writes: see enter_amd64.s for the offsets. It is allocated once for a Thread on
// the Go heap, which never moves objects, and holds no Go pointers.
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

	low, high uintptr // the called library's text
	seq       uintptr // grows with each crossing
	cancel    uintptr // the seq of a crossing that the watchdog wants to end

	// Left by the signal handler.
	signo, code, addr, pc uintptr
	mxcsr, fpucw          uint32

	slot int // in records; not for the assembly
}

// Thread is an operating-system thread that may call native code. It must be used on the goroutine that made it, which
// stays locked to its thread. A call that faults returns a *Fault and leaves the thread fit for the next.
type Thread struct {
	rec *record
}

// NewThread locks the calling goroutine to its thread. It needs Contain to have succeeded for faults to be caught.
func NewThread() *Thread {
	runtime.LockOSThread()
	t := &Thread{rec: &record{tid: uintptr(unix.Gettid())}}
	register(t.rec)
	return t
}

// Release ends the Thread and unlocks the goroutine.
func (t *Thread) Release() {
	t.Close()
	runtime.UnlockOSThread()
}

// Close ends the Thread and leaves the goroutine locked: when it returns, the operating-system thread ends with it, and
// so does its thread-local storage.
func (t *Thread) Close() { unregister(t.rec) }

// Each calls fn(state), a function of lib, for count states: the first at base, each stride bytes after the last. The
// states must lie outside the Go heap and stacks. It does not allocate.
func (t *Thread) Each(lib *Library, fn, base, stride uintptr, count int) *Fault {
	return t.call(lib, record{fn: fn, base: base, stride: stride, count: uintptr(count)})
}

// Tick calls fn(state, dt) for count states, as Each does.
func (t *Thread) Tick(lib *Library, fn, base, stride uintptr, count int, dt float64) *Fault {
	return t.call(lib, record{fn: fn, base: base, stride: stride, count: uintptr(count), dt: dt})
}

// TickBatch calls fn(base, stride, count, dt) once.
func (t *Thread) TickBatch(lib *Library, fn, base, stride uintptr, count int, dt float64) *Fault {
	return t.call(lib, record{fn: fn, base: base, count: 1, args: [3]uintptr{stride, uintptr(count)}, dt: dt})
}

// Seed calls fn(state, seed).
func (t *Thread) Seed(lib *Library, fn, state uintptr, seed uint64) *Fault {
	return t.call(lib, record{fn: fn, base: state, count: 1, args: [3]uintptr{uintptr(seed)}})
}

// Get calls fn() and returns the pointer that it returns.
func (t *Thread) Get(lib *Library, fn uintptr) (uintptr, *Fault) {
	fault := t.call(lib, record{fn: fn, count: 1})
	return t.rec.result, fault
}

func (t *Thread) call(lib *Library, c record) *Fault {
	r := t.rec
	r.fn, r.base, r.stride, r.count = c.fn, c.base, c.stride, c.count
	r.dt, r.args, r.index = c.dt, c.args, 0
	r.low, r.high = lib.text.Low, lib.text.High
	if enter(r) {
		return nil
	}
	return r.fault()
}

// bytesAt views n bytes of native memory. The caller knows that they are mapped and stay so.
func bytesAt(addr uintptr, n int) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), n)
}
