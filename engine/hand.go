package engine

import (
	"sync/atomic"
	"time"

	"hotreload/engine/native"
	"hotreload/engine/state"
	"hotreload/workers"
)

// crew is what all hands of a pool share.
type crew struct {
	arena *state.Arena // where the state lies: another only when all workers have agreed on a migration
	marks []mark       // by shard; each belongs to the worker that owns the shard
	due   []uint64     // the first tick that a held shard has not run
	dt    float64
	seed  uint64
	// inherited says that the state is from an earlier run.
	inherited bool

	probation uint64 // ticks for which a generation's predecessor stays open
	snapshot  int    // bytes of a worker's shards up to which they are copied before every tick

	faults      chan faultReport // to the pipeline
	leaves      *leaves          // for the journal; nil without one
	hands       *register        // for the watchdog
	lateness    *lateness
	quarantined *atomic.Int64 // shards that are not live
}

// mark is what a shard is, besides its bytes.
type mark uint8

const (
	live   mark = iota
	unborn      // init has not succeeded: the state is all zero
	held        // quarantined: not ticked until other code comes
)

// hand runs plugin code for one worker, on its thread. It is what workers know of libraries, and where faults end: a
// shard whose tick faulted gets back its bytes from before, and the tick is run again by the code that ran before.
type hand struct {
	*crew
	thread *native.Thread
	span   workers.Span

	tenure
	idle   int    // shards of the span that are not live
	stride int    // bytes from shard to shard
	memory []byte // the span's shards
	copies []byte // the same as they were before the tick; nil before the first copy
	// undo is that of the ground, and copies is in it; nil when the state ends with the process.
	undo   *state.UndoLog
	leaver // what the history is to know
}

// tenure is what a hand hands on to those that take over its shards.
type tenure struct {
	arrived uint64 // the tick at which the code that runs came
	stand   *code  // runs in its place here; nil while it does not
}

func newHand(f *crew, s workers.Span) *hand {
	h := &hand{crew: f, thread: native.NewThread(), span: s, tenure: f.hands.inherit(s)}
	h.settle()
	for _, m := range f.marks[s.First : s.First+s.Count] {
		if m != live {
			h.idle++
		}
	}
	f.hands.add(h)
	return h
}

// settle takes up work where the state lies.
func (h *hand) settle() {
	h.stride = int(h.arena.Stride())
	first, end := h.span.First, h.span.First+h.span.Count
	h.memory, h.copies = h.arena.Bytes()[first*h.stride:end*h.stride], nil
	if h.undo = h.arena.UndoLog(); h.undo != nil {
		h.copies = h.undo.Copies()[first*h.stride : end*h.stride]
	}
}

// Close implements workers.Hand.
func (h *hand) Close() {
	h.hands.remove(h)
	h.thread.Close()
}

// address returns where a shard's state lies.
func (h *hand) address(shard int) uintptr { return h.arena.Base() + uintptr(shard)*h.arena.Stride() }

// bounds returns where the shards [from, to) lie in memory and in copies.
func (h *hand) bounds(from, to int) (low, high int) {
	return (from - h.span.First) * h.stride, (to - h.span.First) * h.stride
}

// Tick implements workers.Hand.
func (h *hand) Tick(c *code, s workers.Span, tick uint64) {
	if c.condemned.Load() || h.idle > 0 {
		h.tickAround(c, s, tick)
	} else {
		kept := h.keep(c, s.First, s.First+s.Count, tick)
		if fault := h.call(c, s.First, s.First+s.Count); fault != nil {
			h.faulted(c, fault, s.First, s.First+s.Count, tick, kept)
		}
	}
	if h.undo != nil {
		h.completed(c, s, tick+1)
	}
}

// call runs one tick of c on the shards [from, to): one crossing for all of them.
func (h *hand) call(c *code, from, to int) *native.Fault {
	if c.api.TickBatch != 0 {
		return h.thread.TickBatch(c.library.Library, c.api.TickBatch, h.address(from), h.arena.Stride(), to-from, h.dt)
	}
	return h.thread.Tick(c.library.Library, c.api.Tick, h.address(from), h.arena.Stride(), to-from, h.dt)
}

// keep copies the shards [from, to) while that is worth it: always on probation or with an undo log, else while it is
// cheap.
func (h *hand) keep(c *code, from, to int, tick uint64) bool {
	if h.undo != nil {
		h.undo.Keep(from, to, tick)
		return true
	}
	low, high := h.bounds(from, to)
	if high-low > h.snapshot && !h.onProbation(c, tick) {
		return false
	}
	if h.copies == nil {
		h.copies = make([]byte, len(h.memory)) // once, at the first tick
	}
	copy(h.copies[low:high], h.memory[low:high])
	return true
}

// restore gives the shards [from, to) back the bytes that keep copied.
func (h *hand) restore(from, to int) {
	low, high := h.bounds(from, to)
	copy(h.memory[low:high], h.copies[low:high])
}

// onProbation tells whether c's fallback is certain to be open at tick.
func (h *hand) onProbation(c *code, tick uint64) bool {
	return c.fallback != nil && tick < h.arrived+h.probation
}

// tickAround is Tick when the code is condemned or some shards are not live: it runs what is left, span by span.
func (h *hand) tickAround(c *code, s workers.Span, tick uint64) {
	c = c.effective()
	h.force = c
	end := s.First + s.Count
	stand := (*code)(nil)
	if c.condemned.Load() {
		if stand = c.standIn(); stand == nil && c.library.poisoned.Load() {
			<-c.decided
			if stand = c.standIn(); stand == nil {
				h.hold(s.First, end, tick) // until other code comes
				return
			}
		}
	}
	for from := s.First; from < end; from++ {
		if h.marks[from] != live {
			continue
		}
		to := from + 1
		for to < end && h.marks[to] == live {
			to++
		}
		kept := h.keep(c, from, to, tick)
		if stand != nil {
			h.substitute(stand, from, to, tick, kept)
		} else if fault := h.call(c, from, to); fault != nil {
			h.faulted(c, fault, from, to, tick, kept)
		}
		from = to
	}
}

// Switch implements workers.Hand: the hooks around a reload, a migration between them, and life for the shards that were
// held.
func (h *hand) Switch(from, to *code, s workers.Span, tick uint64) {
	m, start := to.migration, time.Now()
	if from = from.effective(); from == to || m != nil && m.hasFailed() {
		return // what runs goes on
	}
	running := from
	if h.stand != nil {
		running = h.stand
		h.leaveAll(from, s, tick)
	}
	leave := running.library != to.library && !running.condemned.Load()
	if leave {
		h.hook(running, "before_reload", running.api.BeforeReload, s, tick, nil)
	} else if running.library != to.library {
		h.force = from
		h.leave(to, s.First, s.First+s.Count, tick, false)
	}
	if m != nil && !h.migrate(m, s, tick) {
		if leave {
			h.hook(running, "after_reload", running.api.AfterReload, s, tick, nil)
		}
		return
	}
	h.stand, h.arrived, h.left = nil, tick, nil
	if running.library != to.library {
		h.hook(to, "after_reload", to.api.AfterReload, s, tick, to.standby())
	}
	if h.idle > 0 {
		h.free(to, s, tick, from.stand.Load() == to && (m == nil || m.live()))
	}
	h.lateness.arrived(s.Worker, to, start)
}
