package cpu

import (
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

func TestNamedFindsTheThread(t *testing.T) {
	const name = "cpu-test"
	type found struct {
		clocks []Clock
		tid    int
		err    error
	}
	var f found
	var group errgroup.Group
	group.Go(func() error {
		runtime.LockOSThread() // for good: the thread ends with its name
		if err := unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(unsafe.StringData(name+"\x00"))), 0, 0, 0); err != nil {
			return err
		}
		f.tid = unix.Gettid()
		f.clocks, f.err = Named(name)
		for start := Thread(); Thread() == start; {
		}
		if c := clockOf(f.tid).Read(); c <= 0 || c > Thread() {
			t.Errorf("the thread's clock reads %v from outside, %v from inside", c, Thread())
		}
		return f.err
	})
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(f.clocks) != 1 || f.clocks[0] != clockOf(f.tid) {
		t.Errorf("clocks %v, expected that of thread %d: %d", f.clocks, f.tid, clockOf(f.tid))
	}
}

func TestClocksAdvanceWithWork(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread, process := Thread(), Process()
	for Thread() == thread {
	}
	if Process() <= process {
		t.Error("the thread's time advanced, the process's did not")
	}
}
