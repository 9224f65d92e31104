package engine

import (
	"sync"
	"time"
)

// Kind says what an Event reports.
type Kind string

// The kinds of events, in the order in which one change usually makes them.
const (
	Running    Kind = "running"     // the first generation runs
	Changed    Kind = "changed"     // a watched source differs
	Built      Kind = "built"       // the build command left a library
	Swapped    Kind = "swapped"     // a generation was published
	Unchanged  Kind = "unchanged"   // the build left the library that runs already
	Rejected   Kind = "rejected"    // a stage refused the change; Err says which and why
	Faulted    Kind = "faulted"     // plugin code faulted; Err is a *FaultError
	RolledBack Kind = "rolled-back" // an earlier artifact was published again
	Reclaimed  Kind = "reclaimed"   // a retired library is unmapped
	Pinned     Kind = "pinned"      // a retired library stays mapped; Err says why
	Paused     Kind = "paused"      // the simulation stands still
	Resumed    Kind = "resumed"     // and runs again
	PinSet     Kind = "pin"         // the running generation is kept: see Engine.Pin
	PinLifted  Kind = "unpin"       // and may be replaced again
	Ended      Kind = "ended"       // Run is about to return
)

// Event is one thing that happened in an engine. It is a value: nothing in it changes later.
type Event struct {
	Seq  uint64 // 1, 2, 3…: a jump means that this subscriber was too slow and missed the ones between
	Time time.Time
	Kind Kind

	Generation Generation // Running, Swapped, Reclaimed, Pinned: the generation in question
	Paths      []string   // Changed: the files
	Err        error      // Rejected: a *StageError; Pinned: the reason
	Stages     Stages     // Swapped, Rejected, Reclaimed, Pinned: how long each stage took
	Migration  *Migration // Swapped, RolledBack: how the state came to another layout; nil when it lay there already
}

// Generation describes a published artifact.
type Generation struct {
	Number     uint64 // grows by one with each publication, also one whose migration fails; never reused
	Epoch      uint64 // of the publication
	Activation uint64 // the tick from which all shards run it; in immediate mode 0
	Hash       string // SHA-256 of the library, hexadecimal
	Library    string // base name
	APIVersion int32
	Revision   int32
}

// Stages is how long each stage of one change took; zero for a stage that was not reached.
type Stages struct {
	Watch   time.Duration // first event to the start of the build
	Build   time.Duration // the build command
	Settle  time.Duration // the rest of the debounce after the build
	Inspect time.Duration // copy, hash, ELF inspection
	Trial   time.Duration // in a child process
	Load    time.Duration // dlopen, logic_get_api, prefault
	Guard   time.Duration
	Publish time.Duration // store, scan, decision
	Migrate time.Duration // for how long the first worker to come was held until all shards had migrated
	Pause   time.Duration // how much later than scheduled the first tick on the new code began, for the worst worker
	Grace   time.Duration // until every worker had passed
	Reclaim time.Duration // dlclose and verification
	Total   time.Duration // first event to publication
}

// hub hands events to subscribers and never waits for one.
type hub struct {
	mu   sync.Mutex
	seq  uint64
	subs map[chan Event]struct{}
	done bool
}

func (h *hub) subscribe(buffer int) (<-chan Event, func()) {
	c := make(chan Event, max(buffer, 1))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.done {
		close(c)
		return c, func() {}
	}
	if h.subs == nil {
		h.subs = make(map[chan Event]struct{})
	}
	h.subs[c] = struct{}{}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, ok := h.subs[c]; ok {
			delete(h.subs, c)
			close(c)
		}
	}
}

func (h *hub) send(ev Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	ev.Seq, ev.Time = h.seq, time.Now()
	for c := range h.subs {
		select {
		case c <- ev:
		default: // a full subscriber sees the gap in Seq
		}
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done = true
	for c := range h.subs {
		close(c)
	}
	h.subs = nil
}
