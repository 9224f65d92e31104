package workers

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotreload/epoch"
)

// board is what the shards of a test remember. A shard's fields are written by its owner alone and without
// synchronisation: the race detector sees two owners at a time, and one that does not hand over in order.
type board struct {
	aligned bool
	shards  []shard
	ran     [1 << 16]atomic.Uint64 // aligned mode: by tick modulo its length, tick<<24 | code of who ran it first
	alive   atomic.Int64           // hands made and not closed
	threads atomic.Int64           // hands ever made
	busy    func(s Span, tick uint64)
	gone    [1 << 10]atomic.Bool // codes whose grace period has ended

	mu     sync.Mutex
	faults []string
}

type shard struct {
	next  uint64 // tick
	met   int    // directives, by their own number
	code  int    // of the last directive met
	ended bool
	_     [64]byte
}

func newBoard(cfg Config) *board {
	return &board{aligned: cfg.Mode == epoch.Aligned, shards: make([]shard, cfg.Shards)}
}

func (b *board) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.faults) < 10 {
		b.faults = append(b.faults, fmt.Sprintf(format, args...))
	}
}

// check ends the test with what went wrong.
func (b *board) check(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		t.Error(f)
	}
	if n := b.alive.Load(); n != 0 {
		t.Errorf("%d hands are not closed", n)
	}
}

// boardHand is a Hand that keeps the books of a board.
type boardHand struct {
	board  *board
	closed bool
}

func (b *board) hand(Span) Hand[int] {
	b.alive.Add(1)
	b.threads.Add(1)
	return &boardHand{board: b}
}

func (h *boardHand) Tick(code int, s Span, tick uint64) {
	b := h.board
	for i := s.First; i < s.First+s.Count; i++ {
		sh := &b.shards[i]
		switch {
		case h.closed:
			b.fault("shard %d: tick %d on a closed hand", i, tick)
		case sh.ended:
			b.fault("shard %d: tick %d after the end", i, tick)
		case sh.next != tick:
			b.fault("shard %d: ran tick %d, expected %d", i, tick, sh.next)
		case b.gone[code].Load():
			b.fault("shard %d: tick %d ran code %d, which was reclaimed", i, tick, code)
		case sh.code != code:
			b.fault("shard %d: tick %d ran code %d, expected %d", i, tick, code, sh.code)
		}
		sh.next = tick + 1
	}
	if b.aligned && s.Count > 0 {
		slot, mine := &b.ran[tick%uint64(len(b.ran))], tick<<24|uint64(code)
		for {
			old := slot.Load()
			if old != 0 && old>>24 == tick {
				if old != mine {
					b.fault("tick %d ran code %d and code %d", tick, old&(1<<24-1), code)
				}
				break
			}
			if old>>24 > tick {
				b.fault("tick %d: the lead is larger than the table", tick)
				break
			}
			if slot.CompareAndSwap(old, mine) {
				break
			}
		}
	}
	if b.busy != nil {
		b.busy(s, tick)
	}
}

func (h *boardHand) Switch(from, to int, s Span, tick uint64) {
	for i := s.First; i < s.First+s.Count; i++ {
		sh := &h.board.shards[i]
		if sh.code != from || sh.next != tick {
			h.board.fault("shard %d: switch from code %d to %d at tick %d, expected from code %d at tick %d",
				i, from, to, tick, sh.code, sh.next)
		}
		if h.board.gone[from].Load() || h.board.gone[to].Load() {
			h.board.fault("shard %d: switch from code %d to %d at tick %d, of which one was reclaimed", i, from, to, tick)
		}
		sh.code = to
	}
}

func (h *boardHand) Close() {
	h.closed = true
	h.board.alive.Add(-1)
}

// directive returns the n-th directive to be published, beginning with 1; taken is closed when all shards have met it.
func (b *board) directive(n, code int) (d Directive[int], taken chan struct{}) {
	taken = make(chan struct{})
	var left atomic.Int64
	left.Store(int64(len(b.shards)))
	d.Code = code
	d.Arrive = func(_ Hand[int], s Span, tick uint64) {
		for i := s.First; i < s.First+s.Count; i++ {
			sh := &b.shards[i]
			if n == 1 {
				sh.code = code
			}
			if sh.met != n-1 || sh.next != tick || sh.code != code {
				b.fault("shard %d: met directive %d (code %d, tick %d) after directive %d (code %d, tick %d)",
					i, n, code, tick, sh.met, sh.code, sh.next)
			}
			sh.met = n
		}
		if left.Add(int64(-s.Count)) == 0 {
			close(taken)
		}
	}
	return d, taken
}

// stop returns the directive that ends a pool.
func (b *board) stop(n, code int) Directive[int] {
	d, _ := b.directive(n, code)
	arrive := d.Arrive
	d.Stop = true
	d.Arrive = func(h Hand[int], s Span, tick uint64) {
		arrive(h, s, tick)
		for i := s.First; i < s.First+s.Count; i++ {
			b.shards[i].ended = true
		}
	}
	return d
}

// start runs p in the background; the returned function waits for its end.
func start(t *testing.T, p *Pool[int]) (wait func()) {
	t.Helper()
	done := make(chan error, 1)
	var group sync.WaitGroup
	group.Go(func() { done <- p.Run() })
	return func() {
		t.Helper()
		group.Wait()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// reach waits until all shards have completed ticks.
func reach(t *testing.T, p *Pool[int], ticks uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Reach(ctx, ticks); err != nil {
		t.Errorf("tick %d was not reached: %v; %+v", ticks, err, p.Progress())
	}
}

// receive waits for c, not for ever.
func receive[T any](t *testing.T, what string, c <-chan T) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s: nothing after %v", what, patience)
	}
}
