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

	first uintptr // base, as of the crossing under way

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

// Each calls fn(state, 0, 0, 0), a function of lib, for count states: the first at base, each stride bytes after the
// last. The states must lie outside the Go heap and stacks. It does not allocate.
func (t *Thread) Each(lib *Library, fn, base, stride uintptr, count int) *Fault {
	r := t.rec
	r.fn, r.base, r.stride, r.count = fn, base, stride, uintptr(count)
	r.args = [3]uintptr{} // whoever calls a function with more arguments relies on zeros
	return t.enter(lib)
}

// Tick calls fn(state, dt) for count states, as Each does.
func (t *Thread) Tick(lib *Library, fn, base, stride uintptr, count int, dt float64) *Fault {
	r := t.rec
	r.fn, r.base, r.stride, r.count, r.dt = fn, base, stride, uintptr(count), dt
	return t.enter(lib)
}

// TickBatch calls fn(base, stride, count, dt) once.
func (t *Thread) TickBatch(lib *Library, fn, base, stride uintptr, count int, dt float64) *Fault {
	r := t.rec
	r.fn, r.base, r.count, r.dt = fn, base, 1, dt
	r.args[0], r.args[1] = stride, uintptr(count)
	return t.enter(lib)
}

// Seed calls fn(state, seed).
func (t *Thread) Seed(lib *Library, fn, state uintptr, seed uint64) *Fault {
	r := t.rec
	r.fn, r.base, r.count, r.args[0] = fn, state, 1, uintptr(seed)
	return t.enter(lib)
}

// Migrate calls fn(to, from, size, revision): a new state, and an old one of so many bytes.
func (t *Thread) Migrate(lib *Library, fn, to, from uintptr, size uint64, revision int32) *Fault {
	r := t.rec
	r.fn, r.base, r.count = fn, to, 1
	r.args = [3]uintptr{from, uintptr(size), uintptr(revision)}
	return t.enter(lib)
}

// Get calls fn() and returns the pointer that it returns.
func (t *Thread) Get(lib *Library, fn uintptr) (uintptr, *Fault) {
	t.rec.fn, t.rec.base, t.rec.count, t.rec.args = fn, 0, 1, [3]uintptr{}
	fault := t.enter(lib)
	return t.rec.result, fault
}

// enter makes the calls that the record describes. Arguments that a tick does not take may be left over from an earlier
// call: in the C ABI they do no harm.
func (t *Thread) enter(lib *Library) *Fault {
	r := t.rec
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
