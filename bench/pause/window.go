package pause

import (
	"sync/atomic"
	"time"
)

// windows numbers the windows around swaps. Workers read it at every tick, so it has its cache lines to itself.
type windows struct {
	began time.Time // the run; written before the workers begin
	_     [128]byte
	// number is odd while a window is open: the first is 1, the next 3.
	number atomic.Uint64
	_      [128]byte
}

func (w *windows) open()  { w.number.Add(1) }
func (w *windows) close() { w.number.Add(1) }

// turn closes a window and opens the next.
func (w *windows) turn() { w.number.Add(2) }

// maxWindows bounds the windows of one run; later ones are part of the histograms only.
const maxWindows = 1 << 14

// index returns where the window `number`, or the last before it, is kept.
func index(number uint64) int { return int(min((number-1)/2, maxWindows)) }
