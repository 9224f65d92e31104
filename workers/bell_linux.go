package workers

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// canDoze tells that a thread can wait by itself, beside the Go scheduler.
const canDoze = true

const (
	futexWaitPrivate = 0x80 // FUTEX_WAIT | FUTEX_PRIVATE_FLAG
	futexWakePrivate = 0x81 // FUTEX_WAKE | FUTEX_PRIVATE_FLAG
	prSetTimerSlack  = 29   // PR_SET_TIMERSLACK
)

// The numbers of the system calls sched_setattr and sched_getattr, 0 where they are not known here.
var (
	schedSetattr = map[string]uintptr{"amd64": 314, "arm64": 274}[runtime.GOARCH]
	schedGetattr = map[string]uintptr{"amd64": 315, "arm64": 275}[runtime.GOARCH]
)

// schedAttr is the kernel's struct sched_attr, as it was first.
type schedAttr struct {
	size, policy  uint32
	flags         uint64
	nice          int32
	priority      uint32
	slice         uint64 // sched_runtime, in nanoseconds
	deadline, gap uint64
}

// futexWait blocks the calling thread while *word is value, for d at most. It may return early for no reason.
func futexWait(word *atomic.Uint32, value uint32, d time.Duration) {
	ts := syscall.NsecToTimespec(int64(d))
	// Every failure, a changed word and a signal among them, means: look again. word and ts are kept alive by the
	// conversion in the argument list.
	_, _, _ = syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitPrivate, uintptr(value),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// futexWake wakes the thread that waits on word. It does not block.
func futexWake(word *atomic.Uint32) {
	_, _, _ = syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWakePrivate, 1, 0, 0, 0)
}

// yieldThread lets another thread run on the calling thread's processor, if one is ready.
func yieldThread() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }

// sharpen makes the calling thread's waits end on time: the kernel may otherwise let them last 50 µs longer. It fails on
// kernels that do not know it, which costs only that.
func sharpen() {
	_, _, _ = syscall.RawSyscall6(syscall.SYS_PRCTL, prSetTimerSlack, 1, 0, 0, 0, 0)
}

// hasten makes the calling thread run soon after it wakes, although others want its processor too: it asks for the
// shortest time slices there are, which the kernel (Linux 6.12 or later) lets go first. Its share of the processor stays
// the same. It fails on kernels that do not know it, which costs only that.
func hasten() {
	if schedSetattr == 0 {
		return
	}
	var a schedAttr
	_, _, errno := syscall.RawSyscall6(schedGetattr, 0, uintptr(unsafe.Pointer(&a)), unsafe.Sizeof(a), 0, 0, 0)
	const other = 0 // SCHED_OTHER: real-time threads have no slices
	if errno != 0 || a.policy != other {
		return
	}
	a.size, a.slice = uint32(unsafe.Sizeof(a)), uint64(100*time.Microsecond)
	_, _, _ = syscall.RawSyscall(schedSetattr, 0, uintptr(unsafe.Pointer(&a)), 0)
}
