package engine

import "hotreload/engine/native"

// This file is what a worker does after a fault.

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
