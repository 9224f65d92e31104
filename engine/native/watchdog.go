package native

import (
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Busy tells whether the thread is in native code, and in which crossing: a number that grows with each. It may be
// called from any goroutine.
func (t *Thread) Busy() (crossing uint64, busy bool) {
	r := t.rec
	crossing = uint64(atomic.LoadUintptr(&r.seq))
	return crossing, atomic.LoadUintptr(&r.active) != 0 && uint64(atomic.LoadUintptr(&r.seq)) == crossing
}

// Call returns the first argument of the first call of the crossing under way, and how many of its calls have been
// completed. It may be called from any goroutine.
func (t *Thread) Call() (first uintptr, index int) {
	return atomic.LoadUintptr(&t.rec.first), int(atomic.LoadUintptr(&t.rec.index))
}

// ID returns the operating system's number of the thread.
func (t *Thread) ID() int { return int(t.rec.tid) }

// CPUTime returns the processor time that the thread has used. It may be called from any goroutine while the thread
// lives.
func (t *Thread) CPUTime() (time.Duration, error) {
	// The clock of one thread of this process, as pthread_getcpuclockid(3) makes it: CPUCLOCK_PERTHREAD|CPUCLOCK_SCHED.
	clock := int32(^t.ID()<<3 | 4 | 2)
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}

// Cancel asks the crossing to end with a *Fault whose Signal is CancelSignal. It has an effect only while the thread
// runs the library's own text in that very crossing: elsewhere, in libc say, a lock may be held. The caller asks again
// until Busy tells that it worked, or gives up.
func (t *Thread) Cancel(crossing uint64) error {
	atomic.StoreUintptr(&t.rec.cancel, uintptr(crossing)) // read by the handler on the thread itself
	return unix.Tgkill(os.Getpid(), t.ID(), CancelSignal)
}

// Exited tells whether the thread with this number has ended.
func Exited(id int) bool {
	_, err := os.Stat("/proc/self/task/" + strconv.Itoa(id))
	return os.IsNotExist(err)
}
