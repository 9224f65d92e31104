package engine

import (
	"bytes"
	"fmt"

	"hotreload/engine/native"
	"hotreload/workers"
)

// carried is how many shards are carried between two looks at whether the migration is still on. For as many init runs in
// one crossing, so that what the watchdog takes for one call stays small.
const carried = 64

// migrate takes the shards of s over to the ground of m, as soon as all workers are ready for it, and tells whether it
// has come to that.
func (h *hand) migrate(m *migration, s workers.Span, tick uint64) bool {
	m.come(s.Count)
	if !m.back() {
		for from, end := s.First, s.First+s.Count; from < end && !m.hasFailed(); from += carried {
			if err := h.carry(m, from, min(from+carried, end), tick); err != nil {
				m.fail(err)
			}
		}
	}
	if !m.agree(h.crew, s.Count) {
		return false
	}
	h.settle()
	for i := s.First; i < s.First+s.Count; i++ {
		was := h.arrival(m, i)
		h.mark(i, was)
		if h.undo != nil {
			ticks := tick
			if was == held && m.live() {
				ticks = h.due[i] // it makes up for those since
			}
			h.undo.Arrive(i, ticks, was != unborn)
		}
	}
	m.settle(s.Count, tick)
	if h.undo != nil {
		<-m.done
	}
	return true
}

// carry makes the shards [from, to) anew on the ground of m: by init and seed of the new code, then what the old state
// has to give.
func (h *hand) carry(m *migration, from, to int, tick uint64) error {
	c, there := m.to, m.to.ground
	address := func(i int) uintptr { return there.arena.Base() + uintptr(i)*there.arena.Stride() }
	if fault := h.thread.Each(c.library.Library, c.api.Init, address(from), there.arena.Stride(), to-from); fault != nil {
		return h.harm(c, "init", fault, from+fault.Index, tick)
	}
	if c.api.Seed != 0 {
		for i := from; i < to; i++ {
			if fault := h.thread.Seed(c.library.Library, c.api.Seed, address(i), shardSeed(h.seed, i)); fault != nil {
				return h.harm(c, "seed", fault, i, tick)
			}
		}
	}
	before := []byte(nil) // of the old state, which migrate has no right to write
	if m.function {
		before = make([]byte, h.arena.StateSize())
	}
	for i := from; i < to; i++ {
		there.marks[i] = h.marks[i]
		old := h.arena.Shard(i)
		switch {
		case h.marks[i] == unborn: // has nothing to give
		case !m.function:
			m.conversion.Apply(there.arena.Shard(i), old)
		default:
			copy(before, old)
			opened := h.undo != nil && h.undo.Open(i)
			fault := h.thread.Migrate(c.library.Library, c.api.Migrate, address(i), h.address(i), h.arena.StateSize(), m.from.api.StateRevision)
			written := !bytes.Equal(before, old)
			copy(old, before)
			if opened {
				h.undo.Settle(i)
			}
			switch {
			case fault != nil:
				return h.harm(c, "migrate", fault, i, tick)
			case written:
				return &SourceError{Shard: i, Tick: tick}
			}
		}
	}
	return nil
}

// harm is a fault of code that does not run yet.
func (h *hand) harm(c *code, function string, fault *native.Fault, shard int, tick uint64) error {
	if fault.Poisoned {
		c.library.poisoned.Store(true)
	}
	return h.faultError(function, fault, shard, shard+1, tick)
}

// arrival gives a shard its state where the hand has just settled, as far as it is not there, and tells what the shard is
// from now on.
func (h *hand) arrival(m *migration, shard int) mark {
	switch last := len(m.way) - 1; {
	case !m.back():
		return live
	case !m.live():
		return m.way[last-1].marks[shard] // as the bytes are: those of the moment when they were left
	default:
		for i, g := range m.way[:last] {
			g.back.Apply(m.way[i+1].arena.Shard(shard), g.arena.Shard(shard))
		}
		return h.marks[shard]
	}
}

// mark says what a shard is from now on.
func (h *hand) mark(shard int, m mark) {
	if h.marks[shard] != live {
		h.idle--
		h.quarantined.Add(-1)
	}
	if h.marks[shard] = m; m != live {
		h.idle++
		h.quarantined.Add(1)
	}
}

// SourceError is a plugin's migrate that wrote to the state it was to read.
type SourceError struct {
	Shard int
	Tick  uint64
}

// Error implements error.
func (e *SourceError) Error() string {
	return fmt.Sprintf("migrate has written to src, the old state, of shard %d at tick %d: it may write to dst only", e.Shard, e.Tick)
}
