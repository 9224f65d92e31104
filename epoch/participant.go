package epoch

import (
	"fmt"
	"runtime"
	"sync/atomic"
)

// cacheLine is the distance that keeps two words from sharing a line, the adjacent-line prefetcher included.
const cacheLine = 128

// parked is the bit of Participant.word that says that the tick has not begun.
const parked = 1 << 63

// nobody is the value of Participant.wanted when nobody waits: above every tick, not above a word with parked.
const nobody = parked

// Participant is one worker's membership in a Domain. It belongs to one goroutine at a time; handing it to another
// needs a happens-before edge between them. A Participant that is dropped without Close holds up every later grace
// period, and Straggler names it.
type Participant[T any] struct {
	// Owner only, and written only when a publication arrives.
	current *atomic.Pointer[Generation[T]] // Domain.current
	fast    *Generation[T]                 // held, while it is the newest and the slot is not parked
	held    *Generation[T]                 // the last one that Begin or Look returned; before that, where Join found the tick
	// enter and pass are the slow paths of Begin and End: values, since a call of a generic method takes a dictionary
	// and with it more than the compiler inlines.
	enter, pass func()
	domain      *Domain[T]
	id          int
	seen        uint64 // the newest epoch when enter last ran
	seenAt      uint64 // the tick of that
	closed      bool

	// The slot: how far this participant has come, on cache lines of its own.
	_ [cacheLine]byte
	// word is the next tick, or the one that runs, with the bit parked while it has not begun and will look for
	// publications first. Written by the owner, read by publishers and waiters.
	word atomic.Uint64
	// wanted is at most the lowest tick at which somebody waits for this participant, else nobody. Lowered by waiters,
	// raised by the owner. It is beside word because End reads it.
	wanted atomic.Uint64
	met    atomic.Uint64 // the epoch of the last generation that Begin or Look returned; 0 before; written by the owner
	looked atomic.Uint64 // one more than the tick before which Look last met something; 0 after Park; written by the owner
	_      [cacheLine]byte
}

func newParticipant[T any](d *Domain[T], id int, tick uint64, start *Generation[T]) *Participant[T] {
	p := &Participant[T]{domain: d, current: &d.current, id: id, held: start}
	p.enter, p.pass = p.arrive, p.report
	p.word.Store(tick | parked)
	p.wanted.Store(nobody)
	return p
}

// free returns the lowest tick that a participant with this word cannot have begun, or not on a newer publication.
func free(word uint64) uint64 {
	if word&parked == 0 {
		return word + 1
	}
	return word &^ parked
}

// ID returns the number given to Join.
func (p *Participant[T]) ID() int { return p.id }

// Tick returns the next tick, or between Begin and End the one that runs.
func (p *Participant[T]) Tick() uint64 { return p.word.Load() &^ parked }

// Begin returns the generation for the participant's next tick: the newest whose activation tick is not later. A
// participant meets every generation in order: after publications Begin returns the first one it has not met, and must
// be called again until it returns the same one twice before the tick is run. A participant that has just joined begins
// with the one that its tick runs. What Begin returned stays valid until End, Park or Close.
//
// In the steady state Begin is one load and one comparison; it never blocks. It panics after Close, and when a tick was
// run on a generation that Begin would have replaced.
func (p *Participant[T]) Begin() *Generation[T] {
	// Pairs with the Store in Publish: a participant that sees g also sees its Value.
	if p.current.Load() != p.fast {
		p.enter()
	}
	return p.held
}

// arrive is Begin's slow path: it sets held.
func (p *Participant[T]) arrive() {
	if p.closed {
		panic("epoch: Begin after Close")
	}
	// Announce before loading the publication: a publisher whose store this load misses reads the slot after it, sees
	// this tick as running, and decides for a later one.
	p.word.And(^uint64(parked))
	tick, newest, first := p.word.Load(), p.current.Load(), p.met.Load() == 0
	for p.held != newest {
		// Not nil: links are stored before current, and cut only behind what everyone has met. Activations do not
		// decrease along them: when the successor is not active, neither is anything newer.
		next := p.held.next.Load()
		if !next.activeAt(tick) {
			break
		}
		if !first && p.missed(next, tick) {
			panic(fmt.Sprintf("epoch: participant %d ended tick %d on epoch %d although epoch %d was active: "+
				"before each tick, call Begin until it returns the same generation twice",
				p.id, tick-1, p.held.epoch, next.epoch))
		}
		p.held = next
		if !first {
			break
		}
	}
	p.met.Store(p.held.epoch) // after the last link was read; pairs with the load in forget
	p.seen, p.seenAt = newest.epoch, tick
	p.fast = nil
	if p.held == newest {
		p.fast = newest
	}
}

// missed tells whether an earlier tick than this one should have run next. In aligned mode the activation says so; in
// immediate mode this knows only of publications that a Begin saw.
func (p *Participant[T]) missed(next *Generation[T], tick uint64) bool {
	if p.domain.mode == Immediate {
		return next.epoch <= p.seen && p.seenAt < tick
	}
	return next.Activation() < tick
}

// End announces that the tick is done and the next one at hand. It never blocks; the last participant for which
// somebody waits yields its processor. End panics when the participant is parked, has just joined or has left: then
// there is no tick to end.
func (p *Participant[T]) End() {
	// Add, then load. The Add pairs with the scans in Domain.scan and goal.reached: what ran before it happens before
	// whatever follows a scan that sees it, reclamation included. The load pairs with await, which lowers wanted and
	// then scans: one of the two sees the other. A parked word is above every wanted.
	if p.word.Add(1) >= p.wanted.Load() {
		p.pass()
	}
}

// report is End's slow path: the participant has reached a tick that somebody waits for.
func (p *Participant[T]) report() {
	switch {
	case p.closed:
		panic("epoch: End after Close")
	case p.word.Load()&parked != 0:
		panic(fmt.Sprintf("epoch: End without Begin by participant %d", p.id))
	}
	p.tell()
}

// tell kicks the waiters whose last participant this is, and lets them run.
func (p *Participant[T]) tell() {
	// First forget what was wanted, then read who waits: a waiter that this read misses lowers wanted after it.
	p.wanted.Store(nobody)
	kicked := false
	for _, w := range *p.domain.waiters.Load() {
		if !w.goal.reachedBy(p) {
			p.lower(w.goal.target(p))
		} else if w.goal.reached(*p.domain.participants.Load()) && w.kick() {
			kicked = true
		}
	}
	if kicked {
		runtime.Gosched() // a kicked goroutine would otherwise queue behind this one's whole time slice
	}
}

// Park announces that the participant is between ticks and about to wait. A tick for which Begin was called and End was
// not must not have run, even in part. Nothing that Begin returned may be used until the next Begin. A parked
// participant delays no publication, and a grace period only while it must still run ticks on what was retired. Park
// may be called again, and panics after Close.
func (p *Participant[T]) Park() {
	if p.closed {
		panic("epoch: Park after Close")
	}
	p.fast = nil
	p.word.Or(parked)
	if p.looked.Load() != 0 {
		p.looked.Store(0)
	}
	// Or, then load: as in End, since being parked is enough for some waiters.
	if p.wanted.Load() != nobody {
		p.tell()
	}
}

// Close ends the membership. Unless the participant is parked, the tick at hand counts as run, since it may have been in
// part: later activations come after it. Close panics when called twice.
func (p *Participant[T]) Close() {
	if p.closed {
		panic("epoch: Close of a closed participant")
	}
	p.closed, p.fast = true, nil
	p.domain.leave(p)
}

// watch makes the participant report when it reaches g, unless it has.
func (p *Participant[T]) watch(g *goal[T]) {
	if !g.reachedBy(p) {
		p.lower(g.target(p))
	}
}

// lower lowers wanted to tick.
func (p *Participant[T]) lower(tick uint64) {
	for w := p.wanted.Load(); tick < w && !p.wanted.CompareAndSwap(w, tick); w = p.wanted.Load() {
	}
}
