package engine

import (
	"sync"

	"hotreload/workers"
)

// This file is how the journal learns which shards left faulty code, and when: each worker does so as it notices.

// leave is a range of shards that left the code in force before the generation that replaces it came.
type leave struct {
	code   *code // in force
	by     *code // runs in its place; nil: nobody, the shards are held
	first  int
	count  int
	tick   uint64 // the first that they did not run on code
	broken bool   // that tick was left in the middle, and what it had done stayed
}

// leaves is what the pipeline has not written down yet.
type leaves struct {
	mu   sync.Mutex
	list []leave
	some chan struct{} // capacity 1: filled when there are any
}

func newLeaves() *leaves { return &leaves{some: make(chan struct{}, 1)} }

func (l *leaves) add(one leave) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, one)
	select {
	case l.some <- struct{}{}:
	default:
	}
}

func (l *leaves) take() []leave {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.list
	l.list = nil
	return list
}

// news returns the channel that says when there are any; nil without a journal.
func (l *leaves) news() <-chan struct{} {
	if l == nil {
		return nil
	}
	return l.some
}

// leaver is what a hand notes for the journal, after a fault.
type leaver struct {
	force *code   // the code in force
	left  []*code // by shard of the span, what the journal was told to run in its place; nil before the first
}

// nobody is in place of code that nothing replaces, where nil means that the journal was told nothing.
var nobody = new(code)

// leaveAll tells the journal that all shards of s have left c, the code in force, if anything stands in for it here. Also
// those that have not run a tick on that: its hook was called for them with the others.
func (h *hand) leaveAll(c *code, s workers.Span, tick uint64) {
	if h.stand != nil {
		h.force = c
		h.leave(h.stand, s.First, s.First+s.Count, tick, false)
	}
}

// leave tells the journal that by, or nil for nobody, runs the live shards among [from, to) in place of the code in force
// from tick on, as far as it has not been told so before.
func (h *hand) leave(by *code, from, to int, tick uint64, broken bool) {
	if h.leaves == nil {
		return
	}
	if h.left == nil {
		h.left = make([]*code, h.span.Count)
	}
	place := by
	if by == nil {
		place = nobody
	}
	news := func(i int) bool { return h.marks[i] == live && h.left[i-h.span.First] != place }
	for ; from < to; from++ {
		if !news(from) {
			continue
		}
		one := leave{code: h.force, by: by, first: from, tick: tick, broken: broken}
		for ; from < to && news(from); from++ {
			h.left[from-h.span.First] = place
			one.count++
		}
		h.leaves.add(one)
	}
}
