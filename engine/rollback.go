package engine

import (
	"fmt"

	"hotreload/engine/artifact"

	"go.uber.org/zap"
)

// settleFaults handles the faults that workers have reported so far.
func (p *pipeline) settleFaults() {
	for {
		select {
		case r := <-p.crew.faults:
			p.faulted(r)
		default:
			return
		}
	}
}

// faulted decides what takes the place of code that faulted: the code before it, whose library is open while the code is
// on probation, else an earlier artifact, else nothing, and then its shards stay held until the next good build. Either
// way the library is not tried again until its bytes change.
func (p *pipeline) faulted(r faultReport) {
	c := r.code
	c.identify(r.fault)
	p.bad[c.artifact.Hash] = r.fault
	p.forget(c.artifact)
	p.store.Forget(c.artifact.Hash)
	if p.running != c {
		if r.fault.Function == "tick" {
			c.stand.CompareAndSwap(nil, c.follower())
		}
		close(c.decided)
		p.reportLateFault(r.fault)
		return
	}
	next := p.successor(c)
	if next == nil {
		close(c.decided)
		p.reportFault(r.fault, nil)
		return
	}
	c.stand.CompareAndSwap(nil, next)
	close(c.decided)
	if err := p.release(next, func() { p.reportFault(r.fault, next) }); err != nil {
		p.log.Named("reload").Warn("cannot roll back", zap.Error(err), Text("cannot roll back to %s: %v", next.artifact.Hash.Short(), err))
		p.reportFault(r.fault, nil)
	}
}

// follower returns the first generation after c that has not faulted, nil without any. It stays open until the workers
// that still run c have come to it, and can run the ticks before its own activation in place of c.
func (c *code) follower() *code {
	next := c.next
	for next != nil && next.condemned.Load() {
		next = next.next
	}
	return next
}

// successor makes the generation that follows faulted code: on the library that stands in for it already, or on the
// newest good artifact that is kept. nil: there is none.
func (p *pipeline) successor(c *code) *code {
	if stand := c.stand.Load(); stand != nil {
		return p.again(stand)
	}
	for i := len(p.kept) - 1; i >= 0; i-- {
		next, err := p.open(p.kept[i], c.generation.Library, p.revert)
		if err == nil {
			return next
		}
		p.log.Named("reload").Warn("cannot open an earlier library", zap.Error(err), Text("cannot roll back to %s: %v", p.kept[i].Hash.Short(), err))
	}
	return nil
}

// again makes a new generation of code whose library is open.
func (p *pipeline) again(c *code) *code {
	next := &code{artifact: c.artifact, library: c.library, api: c.api, layout: c.layout, ground: c.ground, shown: c.shown, decided: make(chan struct{}), closed: make(chan struct{})}
	next.generation = c.generation
	next.library.generations.Add(1)
	return next
}

// open loads a kept artifact as a new generation. It has run before, so only the guard looks at it again; place says how
// the state comes to it.
func (p *pipeline) open(art *artifact.Artifact, library string, place func(*code) error) (*code, error) {
	c := &change{}
	next, err := p.load(art, library, c)
	if err != nil {
		return nil, err
	}
	if err := p.check(next, c, place); err != nil {
		p.close(next)
		return nil, err
	}
	return next, nil
}

// release publishes next in place of the running generation, outside any change, and has it reported. On an error, of its
// migration, the running generation goes on.
func (p *pipeline) release(next *code, report func()) error {
	picture := newPicture(next, p.cfg.Shards)
	old, err := p.install(next, picture, &Stages{})
	if err != nil {
		return err
	}
	p.reportPublished(next, RolledBack)
	report()
	p.reportState(picture, false)
	p.reclaim(old)
	p.groundOf[next.artifact.Hash] = next.ground
	p.prune()
	return nil
}

// rollback answers Engine.Rollback.
func (p *pipeline) rollback(number uint64) error {
	if p.running == nil || p.stopping {
		return ErrNotRunning
	}
	if p.pinned {
		return ErrPin
	}
	for i := len(p.kept) - 1; i >= 0; i-- {
		k := p.kept[i]
		runs := k.Hash == p.running.artifact.Hash
		switch {
		case number == 0 && runs, number != 0 && p.numberOf[k.Hash] != number:
			continue
		case runs:
			return ErrUnchanged
		}
		next, err := p.open(k, p.running.generation.Library, func(next *code) error {
			if p.revert(next) == nil {
				return nil
			}
			return p.fit(next)
		})
		if err != nil {
			return err
		}
		return p.release(next, func() {
			p.engine.set(func(s *Status) { s.Outcome = nil })
			p.reportRollback(next)
		})
	}
	return &NotKeptError{number, p.keptNumbers()}
}

// NotKeptError refuses a rollback to a generation whose artifact is not kept.
type NotKeptError struct {
	Generation uint64 // 0: the one before the running one
	Kept       []uint64
}

// Error implements error.
func (e *NotKeptError) Error() string {
	if e.Generation == 0 {
		return "cannot roll back: no earlier artifact is kept"
	}
	return fmt.Sprintf("cannot roll back to generation %d: those that are kept are %v", e.Generation, e.Kept)
}

// keep remembers a published artifact, and forgets the oldest beyond Config.Keep.
func (p *pipeline) keep(c *code) {
	p.forget(c.artifact)
	p.kept = append(p.kept, c.artifact)
	p.numberOf[c.artifact.Hash], p.groundOf[c.artifact.Hash] = c.generation.Number, c.ground
	for len(p.kept) > p.cfg.Keep+1 { // the running one and Keep before it
		p.store.Forget(p.kept[0].Hash)
		p.forget(p.kept[0])
	}
}

func (p *pipeline) forget(art *artifact.Artifact) {
	delete(p.numberOf, art.Hash)
	delete(p.groundOf, art.Hash)
	for i, k := range p.kept {
		if k.Hash == art.Hash {
			p.kept = append(p.kept[:i:i], p.kept[i+1:]...)
			return
		}
	}
}

func (p *pipeline) keptNumbers() []uint64 {
	var numbers []uint64
	for _, k := range p.kept {
		numbers = append(numbers, p.numberOf[k.Hash])
	}
	return numbers
}
