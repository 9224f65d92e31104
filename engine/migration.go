package engine

import (
	"sync/atomic"
	"time"

	"hotreload/engine/state"
)

// migration takes the state of all shards to another ground at the activation tick of a generation, or that of none.
//
// Each worker that comes to the tick fills, on its thread, the new ground for its shards, beside the old one, which
// nobody writes any more; then it waits. This is the one place where a worker waits for another. When the last shard is
// ready all have agreed, and each goes on with the new code on the new ground. The first failure instead, be it a fault
// of plugin code, a worker that does not come or the end of the run, sends all of them on with the old code on the old
// ground, at the same tick: it is as if the new code had not been published. Agreement and failure are one
// compare-and-swap, so there is one answer for all.
//
// So at any time all shards lie on one ground, crew.arena: it changes in the moment of agreement, when every worker that
// has shards waits for it. A hand that is made later, because a worker moved to a fresh thread or shards changed hands,
// finds it changed; one that is made earlier belongs to a worker that must come first.
//
// A rollback to where the state came from is a migration too. Nothing in it can fail once all have come: they agree
// first, then each converts its shards back, or takes the bytes that were kept. Until its activation tick the code that
// faulted stays in place for the shards that it did no harm. Those that it did are held, and make up for the ticks they
// have missed, on the old code, when the state that comes back is the live one. So no shard loses a tick, and none runs
// one twice. When it is that of the migration, all shards lose the effects of the same ticks.
//
// In a state file the new ground is another file, which takes the name of the old one when all shards have changed over
// and before one of them runs a tick: whenever the process is killed, one of the two is found whole under that name.
type migration struct {
	from, to *code // what runs, and what is to run

	// One of the three ways.
	conversion *state.Conversion // by name
	function   bool              // by the plugin's migrate
	way        []*ground         // back over these

	total    int64        // shards
	missing  atomic.Int64 // shards whose worker has not come
	unready  atomic.Int64 // shards whose state is not ready on the new ground
	unsettle atomic.Int64 // after the agreement: shards that have not changed over
	outcome  atomic.Int32 // pending, then agreed or failed
	decided  chan struct{}
	done     chan struct{} // closed when nothing of it is under way any more

	made  time.Time
	first atomic.Int64  // when the first worker came, since made
	tick  atomic.Uint64 // at which the shards changed over, in immediate mode the last one
	// Written before done is closed.
	held time.Duration // how long a worker was held at most
	err  error         // why it failed
	file error         // why the new state file could not take the place of the old one
}

const (
	pending int32 = iota
	agreed
	failed
)

func newMigration(from, to *code, shards int) *migration {
	m := &migration{from: from, to: to, total: int64(shards), made: time.Now(), decided: make(chan struct{}), done: make(chan struct{})}
	for _, n := range []*atomic.Int64{&m.missing, &m.unready, &m.unsettle} {
		n.Store(m.total)
	}
	return m
}

// live tells whether the state that arrives is the one that was there a moment ago, in another form.
func (m *migration) live() bool {
	for _, g := range m.way[:max(len(m.way)-1, 0)] {
		if g.back == nil {
			return false
		}
	}
	return true
}

// back tells whether it is a rollback to where the state came from.
func (m *migration) back() bool { return m.way != nil }

func (m *migration) hasFailed() bool { return m.outcome.Load() == failed }

// come says that a worker is there with so many shards.
func (m *migration) come(shards int) {
	m.first.CompareAndSwap(0, int64(max(time.Since(m.made), 1)))
	m.missing.Add(-int64(shards))
}

// agree says that so many shards are ready, waits until all are, and tells whether it has come to that. The last one moves
// the crew.
func (m *migration) agree(c *crew, shards int) bool {
	if m.unready.Add(-int64(shards)) == 0 && m.outcome.CompareAndSwap(pending, agreed) {
		c.arena = m.to.ground.arena
		close(m.decided)
	}
	<-m.decided
	return m.outcome.Load() == agreed
}

// settle says that so many shards have changed over.
func (m *migration) settle(shards int, tick uint64) {
	for at := m.tick.Load(); at < tick && !m.tick.CompareAndSwap(at, tick); at = m.tick.Load() {
	}
	if m.unsettle.Add(-int64(shards)) > 0 {
		return
	}
	if file := m.to.ground.file; file != nil {
		m.file = file.Take()
	}
	m.end()
}

// fail ends the migration, unless all have agreed or it has failed already.
func (m *migration) fail(err error) {
	if !m.outcome.CompareAndSwap(pending, failed) {
		return
	}
	m.err = err
	m.to.instead.Store(m.from)
	m.to.condemned.Store(true)
	close(m.decided)
	m.end()
}

func (m *migration) end() {
	if first := m.first.Load(); first != 0 {
		m.held = time.Since(m.made) - time.Duration(first)
	}
	close(m.done)
}
