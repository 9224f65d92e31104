package native_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotreload/engine/native"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

func contain(t testing.TB) {
	t.Helper()
	if err := native.Contain(); err != nil {
		t.Skip(err)
	}
}

var faults = []struct {
	function string
	signal   unix.Signal
	poisoned bool
}{
	{"null_write", unix.SIGSEGV, false},
	{"non_canonical", unix.SIGSEGV, false},
	{"divide", unix.SIGFPE, false},
	{"illegal", unix.SIGILL, false},
	{"call_null", unix.SIGSEGV, false},
	{"call_wild", unix.SIGSEGV, false},
	{"aborts", unix.SIGABRT, true},
	{"in_libc", unix.SIGSEGV, true},
	{"overflow", unix.SIGSEGV, false},
	{"flags", unix.SIGSEGV, false},
}

func TestEveryKindOfFaultReturnsToTheCaller(t *testing.T) {
	contain(t)
	lib := open(t, compile(t, ""))
	base, at := states(t, 1)
	tick := symbol(t, lib, "tick")
	for _, f := range faults {
		t.Run(f.function, func(t *testing.T) {
			thread := native.NewThread()
			defer thread.Release()
			fn := symbol(t, lib, f.function)
			for round := range 500 {
				*at(0) = state{}
				fault := thread.Each(lib, fn, base, stride, 1)
				if fault == nil || fault.Signal != f.signal || fault.Poisoned != f.poisoned {
					t.Fatalf("round %d: %+v, want %v, poisoned %v", round, fault, f.signal, f.poisoned)
				}
				if fault := thread.Tick(lib, tick, base, stride, 1, 0.5); fault != nil {
					t.Fatal(fault)
				}
				if s := at(0); s.ticks != 2 || s.time != 0.5 {
					t.Fatalf("round %d: the thread is not fit for another call: %+v", round, *s)
				}
				if !panics() {
					t.Fatalf("round %d: a nil dereference in Go did not panic", round)
				}
				if x := math.Sqrt(2); x != math.Sqrt2 {
					t.Fatalf("round %d: floating point is out of order: %v", round, x)
				}
			}
		})
	}
}

func TestAFaultInMigrateReturnsToTheCaller(t *testing.T) {
	contain(t)
	lib := open(t, compile(t, ""))
	base, at := states(t, 2)
	thread := native.NewThread()
	defer thread.Release()
	at(1).ticks = 5
	fault := thread.Migrate(lib, symbol(t, lib, "migrate_faults"), base, base+stride, 8, 0)
	if fault == nil || fault.Signal != unix.SIGSEGV || fault.Poisoned || at(0).ticks != 5 {
		t.Fatalf("%+v, state %+v", fault, *at(0))
	}
	if fault := thread.Tick(lib, symbol(t, lib, "tick"), base, stride, 1, 0.5); fault != nil || at(0).ticks != 6 {
		t.Fatal("the thread is not fit for another call", fault)
	}
}

// panics dereferences nil in Go and tells whether that was an ordinary panic.
func panics() (ok bool) {
	defer func() { ok = recover() != nil }()
	var p *state
	p.ticks = 1
	return false
}

func TestTheFaultNamesTheStateInProgress(t *testing.T) {
	contain(t)
	lib := open(t, compile(t, ""))
	base, at := states(t, 100)
	at(42).pad = 1
	thread := native.NewThread()
	defer thread.Release()
	fn := symbol(t, lib, "fault_if_marked")
	fault := thread.Each(lib, fn, base, stride, 100)
	if fault == nil || fault.Index != 42 {
		t.Fatalf("%+v, want index 42", fault)
	}
	if !strings.HasPrefix(lib.Locate(fault.PC), "fault_if_marked+") {
		t.Fatal(lib.Locate(fault.PC))
	}
	if at(41).ticks != 1 || at(43).ticks != 0 {
		t.Fatal("the batch did not stop where it faulted")
	}
}

// TestFaultsUnderLoad mixes faults of every clean kind with good calls on several threads, while the collector runs,
// other goroutines panic in Go, and the runtime's own signals arrive.
func TestFaultsUnderLoad(t *testing.T) {
	contain(t)
	lib := open(t, compile(t, ""))
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	var done atomic.Bool
	var background, threads errgroup.Group
	background.Go(func() error {
		for !done.Load() {
			runtime.GC()
		}
		return nil
	})
	background.Go(func() error {
		for !done.Load() {
			if !panics() {
				return fmt.Errorf("a nil dereference in Go did not panic")
			}
			runtime.Gosched()
		}
		return nil
	})
	background.Go(func() error {
		for !done.Load() {
			if err := unix.Kill(os.Getpid(), unix.SIGURG); err != nil {
				return err
			}
			time.Sleep(50 * time.Microsecond) // the rate of a disturbance, not synchronisation
		}
		return nil
	})
	tick := symbol(t, lib, "tick")
	var kinds []uintptr
	for _, f := range faults {
		if !f.poisoned {
			kinds = append(kinds, symbol(t, lib, f.function))
		}
	}
	base, at := states(t, 8)
	for w := range 8 {
		threads.Go(func() error {
			thread := native.NewThread()
			defer thread.Release()
			for i := range rounds {
				if thread.Each(lib, kinds[i%len(kinds)], base+uintptr(w)*stride, stride, 1) == nil {
					return fmt.Errorf("round %d: no fault", i)
				}
				if fault := thread.Tick(lib, tick, base+uintptr(w)*stride, stride, 1, 1); fault != nil {
					return fault
				}
			}
			if s := at(w); int(s.ticks) != 2*rounds || s.time != float64(rounds) {
				return fmt.Errorf("thread %d: %+v after %d rounds", w, *s, rounds)
			}
			return nil
		})
	}
	if err := threads.Wait(); err != nil {
		t.Error(err)
	}
	done.Store(true)
	if err := background.Wait(); err != nil {
		t.Error(err)
	}
}

func TestCancelEndsACallThatDoesNotReturn(t *testing.T) {
	contain(t)
	lib := open(t, compile(t, ""))
	base, at := states(t, 1)
	spin, tick := symbol(t, lib, "spin"), symbol(t, lib, "tick")
	started := make(chan *native.Thread)
	var group errgroup.Group
	group.Go(func() error {
		thread := native.NewThread()
		defer thread.Release()
		started <- thread
		fault := thread.Each(lib, spin, base, stride, 1)
		if fault == nil || fault.Signal != native.CancelSignal || fault.Poisoned {
			return fmt.Errorf("want a clean cancellation, got %w", fault)
		}
		// A cancellation that comes late must not hit the next call.
		if err := thread.Cancel(1); err != nil {
			return err
		}
		if fault := thread.Tick(lib, tick, base, stride, 1, 1); fault != nil {
			return fault
		}
		return nil
	})
	thread := <-started
	for {
		crossing, busy := thread.Busy()
		if !busy {
			if crossing > 0 {
				break
			}
			runtime.Gosched()
			continue
		}
		if atomic.LoadInt32(&at(0).ticks) == 0 {
			continue // it has not begun to spin
		}
		if _, err := thread.CPUTime(); err != nil {
			t.Fatal(err)
		}
		if err := thread.Cancel(crossing); err != nil {
			break // the thread has ended
		}
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if at(0).ticks != 2 {
		t.Fatalf("%+v", *at(0))
	}
}

func TestStolenHandlersComeBack(t *testing.T) {
	contain(t)
	lib := open(t, compile(t, ""))
	base, _ := states(t, 1)
	thread := native.NewThread()
	defer thread.Release()
	if fault := thread.Each(lib, symbol(t, lib, "steal"), base, stride, 1); fault != nil {
		t.Fatal(fault)
	}
	stolen, err := native.Restore()
	if err != nil || len(stolen) != 2 {
		t.Fatalf("restored %v, error %v; want SIGSEGV and SIGFPE", stolen, err)
	}
	if fault := thread.Each(lib, symbol(t, lib, "null_write"), base, stride, 1); fault == nil {
		t.Fatal("no fault after the handlers were put back")
	}
}

// TestWhatIsNotOursStaysWithGo runs this test binary again for things that must end the process as they always did.
func TestWhatIsNotOursStaysWithGo(t *testing.T) {
	contain(t)
	kind := os.Getenv("NATIVE_TEST_CHILD")
	switch kind {
	case "":
		for _, kind := range []string{"external", "go"} {
			t.Run(kind, func(t *testing.T) {
				cmd := exec.Command(os.Args[0], "-test.run=^TestWhatIsNotOursStaysWithGo$")
				cmd.Env = append(os.Environ(), "NATIVE_TEST_CHILD="+kind)
				out, err := cmd.CombinedOutput()
				if err == nil || !strings.Contains(string(out), "SIGSEGV") {
					t.Fatalf("the child survived: %v\n%s", err, out)
				}
			})
		}
	case "external": // a signal that somebody sends is not a fault of the code that happens to run
		lib := open(t, compile(t, ""))
		base, _ := states(t, 1)
		thread := native.NewThread()
		t.Fatal("the call came back: ", thread.Each(lib, symbol(t, lib, "external"), base, stride, 1))
	case "go":
		var p *state
		p.ticks = 1
	}
}
