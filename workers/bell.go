package workers

import (
	"runtime"
	"sync/atomic"
	"time"
)

// A wait that is longer than doze ends with a Go timer, which wakes up to a millisecond late, so it is set early by
// margin; the rest is dozed. A dozing thread keeps its processor from the Go scheduler until the latter takes it away.
const (
	doze   = 2 * time.Millisecond
	margin = 1500 * time.Microsecond
)

// bell wakes one worker. A ring that nobody hears is kept for the next wait.
type bell struct {
	rung    chan struct{} // capacity 1
	timer   *time.Timer   // made by the worker
	precise bool          // doze the last stretch of a wait
	// dozing is 1 while the worker is about to doze or does. Set by the worker, which then looks at rung; cleared by
	// ring, which filled rung before: one of the two sees the other.
	dozing atomic.Uint32
}

// attach prepares the calling thread, which is the worker's own.
func (b *bell) attach() {
	if b.timer == nil {
		b.timer = time.NewTimer(time.Hour)
		b.timer.Stop()
	}
	if b.precise {
		sharpen()
	}
}

// yield lets others have the worker's processor: threads, when those have processors of the Go scheduler to run on, else
// goroutines, which costs a thread that is locked to one two switches.
func (b *bell) yield() {
	if b.precise {
		yieldThread()
	} else {
		runtime.Gosched()
	}
}

// ring wakes the worker. It may be called from any goroutine.
func (b *bell) ring() {
	select {
	case b.rung <- struct{}{}:
	default:
	}
	if b.dozing.CompareAndSwap(1, 0) {
		futexWake(&b.dozing)
	}
}

// waitFor returns after d, when the bell rings, or earlier: the caller looks at the clock again.
func (b *bell) waitFor(d time.Duration) {
	if b.precise && d <= doze {
		b.doze(d)
		return
	}
	if b.precise {
		d -= margin
	}
	b.timer.Reset(d)
	select {
	case <-b.timer.C:
	case <-b.rung:
	}
}

// dozes tells whether the worker is about to doze or does: it wakes by itself before long.
func (b *bell) dozes() bool { return b.dozing.Load() != 0 }

func (b *bell) doze(d time.Duration) {
	b.dozing.Store(1)
	select {
	case <-b.rung:
		b.dozing.Store(0)
		return
	default:
	}
	futexWait(&b.dozing, 1, d)
	b.dozing.Store(0)
	select {
	case <-b.rung:
	default:
	}
}
