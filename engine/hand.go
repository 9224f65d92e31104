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
	// journal is that of the ground, and copies is in it; nil when the state ends with the process.
	journal *state.Journal
	leaver  // what the history is to know
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
	if h.journal = h.arena.Journal(); h.journal != nil {
		h.copies = h.journal.Undo()[first*h.stride : end*h.stride]
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
	if h.journal != nil {
		h.journal.Complete(s.First, s.First+s.Count, tick+1)
	}
}

// call runs one tick of c on the shards [from, to): one crossing for all of them.
func (h *hand) call(c *code, from, to int) *native.Fault {
	if c.api.TickBatch != 0 {
		return h.thread.TickBatch(c.library.Library, c.api.TickBatch, h.address(from), h.arena.Stride(), to-from, h.dt)
	}
	return h.thread.Tick(c.library.Library, c.api.Tick, h.address(from), h.arena.Stride(), to-from, h.dt)
}

// keep copies the shards [from, to) while that is worth it: always on probation or with a journal, else while it is cheap.
func (h *hand) keep(c *code, from, to int, tick uint64) bool {
	if h.journal != nil {
		h.journal.Keep(from, to, tick)
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

// faulted goes on after a fault of c in the tick of the shards [from, to): when it returns, each of them has run the
// tick or is held.
func (h *hand) faulted(c *code, fault *native.Fault, from, to int, tick uint64, kept bool) {
	h.force = c
	for fault != nil {
		first, last := from+fault.Index, from+fault.Index+1
		if c.api.TickBatch != 0 {
			first, last = from, to // anywhere
		}
		if kept {
			h.restore(first, last)
		} else {
			h.leave(nil, first, last, tick, true)
		}
		stand := h.report(c, fault, first, last, tick)
		switch {
		case !kept && stand != nil:
			// The tick was left in the middle and cannot be run again: what it has done so far counts.
			h.substitute(stand, last, to, tick, false)
			return
		case stand != nil:
			h.substitute(stand, first, to, tick, true)
			return
		case kept && last-first > 1 && !fault.Poisoned:
			h.single(c, first, last, tick)
		default:
			due := tick
			if !kept {
				due++ // what the tick has done so far counts
			}
			h.hold(first, last, due)
		}
		if c.library.poisoned.Load() {
			h.hold(last, to, tick)
			return
		}
		from, fault = last, nil
		if from < to {
			fault = h.call(c, from, to)
		}
	}
}

// substitute runs the tick of the shards [from, to) on code that takes the place of the one that faulted. What faults
// there too is held.
func (h *hand) substitute(c *code, from, to int, tick uint64, kept bool) {
	if h.stand != c {
		h.stand = c
		h.hook(c, "after_reload", c.api.AfterReload, h.span, tick, nil)
	}
	for from < to && !c.library.poisoned.Load() {
		fault := h.call(c, from, to)
		if fault == nil {
			h.leave(c, from, to, tick, false)
			return
		}
		bad, next := from+fault.Index, from+fault.Index+1
		if c.api.TickBatch != 0 {
			bad, next = from, to
		}
		h.leave(c, from, bad, tick, false)
		if kept {
			h.restore(bad, next)
		} else {
			h.leave(nil, bad, next, tick, true)
		}
		h.hold(bad, next, tick)
		h.tell(c, "tick", fault, bad, next, tick, nil)
		from = next
	}
	h.hold(from, to, tick)
}

// single runs the tick of the shards [from, to) one by one, to find those that fault, which are held.
func (h *hand) single(c *code, from, to int, tick uint64) {
	for i := from; i < to && !c.library.poisoned.Load(); i++ {
		fault := h.thread.Tick(c.library.Library, c.api.Tick, h.address(i), 0, 1, h.dt)
		if fault == nil {
			continue
		}
		h.restore(i, i+1)
		h.hold(i, i+1, tick)
		h.tell(c, "tick", fault, i, i+1, tick, nil)
		from = i
	}
	if c.library.poisoned.Load() {
		h.hold(from, to, tick)
	}
}

// hold quarantines the live shards among [from, to), which have not run tick.
func (h *hand) hold(from, to int, tick uint64) {
	h.leave(nil, from, to, tick, false)
	for i := from; i < to; i++ {
		if h.marks[i] == live {
			h.mark(i, held)
			h.due[i] = tick
		}
	}
}

// report tells the pipeline of a fault of the running code c and returns what takes its place, nil when there is
// nothing. While c is on probation that is known here; later the pipeline has to open an earlier library, and the
// worker waits until it has decided.
func (h *hand) report(c *code, fault *native.Fault, first, last int, tick uint64) *code {
	if stand := c.standby(); stand != nil && h.onProbation(c, tick) {
		h.tell(c, "tick", fault, first, last, tick, stand)
		return c.standIn()
	}
	h.tell(c, "tick", fault, first, last, tick, nil)
	<-c.decided
	return c.standIn()
}

// tell condemns c, with stand to take its place, and hands the pipeline the first fault of it.
func (h *hand) tell(c *code, function string, fault *native.Fault, first, last int, tick uint64, stand *code) {
	if !c.condemn(stand, fault.Poisoned) {
		return
	}
	h.faults <- faultReport{code: c, fault: h.faultError(function, fault, first, last, tick)}
}

func (h *hand) faultError(function string, fault *native.Fault, first, last int, tick uint64) *FaultError {
	e := &FaultError{Function: function, Worker: h.span.Worker, Shard: first, Tick: tick, Fault: fault}
	if last-first > 1 {
		e.Shard = -1
	}
	return e
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
