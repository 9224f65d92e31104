package engine

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"hotreload/engine/native"
	"hotreload/epoch"
	"hotreload/workers"

	"go.uber.org/zap"
)

// replaced is the code that a publication made old, and the directive by which workers run it.
type replaced struct {
	code      *code
	directive *epoch.Generation[workers.Directive[*code]]
}

// reclaim waits, beside the pipeline, until no worker can run old any more and its successor is off probation, then
// closes old's library. When old has become the stand-in of a successor that faulted, it goes when that one goes.
func (p *pipeline) reclaim(old replaced) {
	next := p.running
	start := time.Now()
	grace := p.pool.Retire(old.directive, max(p.cfg.ProbationTicks, 1))
	p.group.Go(func() error {
		if err := p.grace(grace, old.code); err != nil {
			return err
		}
		passed := time.Now()
		if next.stand.Load() == old.code {
			<-next.closed
		}
		p.freshThreads(old.code)
		pinned := p.close(old.code)
		close(old.code.closed)
		if m := old.code.migration; m != nil && m.hasFailed() && !m.back() {
			old.code.ground.close() // nobody has come to stay
		}
		// No worker can look any more; or every generation would hold on to all before it.
		old.code.fallback, old.code.migration = nil, nil
		stages := Stages{Pause: time.Duration(next.pause.Load()), Grace: passed.Sub(start), Reclaim: time.Since(passed)}
		p.reportReclaimed(old.code, stages, pinned)
		return nil
	})
}

// grace waits for the end of a grace period, and names those who hold it up when it takes long.
func (p *pipeline) grace(grace *epoch.Grace[workers.Directive[*code]], old *code) error {
	for patience := p.graceDeadline(); ; patience *= 2 {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := grace.Wait(ctx)
		cancel()
		if err == nil {
			return nil
		}
		var late *epoch.StragglersError
		if errors.As(err, &late) && !p.engine.Status().Paused {
			p.reportStraggling(old, late)
		}
	}
}

// graceDeadline is how long a grace period usually takes at most.
func (p *pipeline) graceDeadline() time.Duration {
	return 10*time.Second + time.Duration(p.cfg.ProbationTicks+2)*max(p.cfg.Tick, 0)
}

// freshThreads moves the workers to new threads when the code that is about to be closed has thread-local destructors:
// they pin a library for as long as a thread lives that has run it.
func (p *pipeline) freshThreads(old *code) {
	if !old.artifact.Report.ThreadLocalDestructors {
		return
	}
	grace := make(chan *epoch.Grace[workers.Directive[*code]], 1)
	threads := p.crew.hands.threads()
	select {
	case p.engine.calls <- func(p *pipeline) {
		before, _ := p.pool.Replace(workers.Directive[*code]{Code: p.running, Renew: true})
		grace <- p.pool.Retire(before, 1)
	}:
		if (<-grace).Wait(context.Background()) != nil {
			return
		}
	case <-p.pool.ended: // with their threads
	}
	// A thread ends a moment after its goroutine.
	for _, id := range threads {
		for range 1000 {
			if native.Exited(id) {
				break
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// close drops one generation's hold on its library. The last one closes the library and verifies that it is gone.
func (p *pipeline) close(c *code) (pinned bool) {
	if c.library.generations.Add(-1) > 0 {
		return false
	}
	log := p.log.Named("reload").With(zap.Uint64("generation", c.generation.Number), zap.String("hash", c.generation.Hash))
	if c.library.poisoned.Load() {
		log.Warn("library stays mapped", zap.String("reason", "poisoned"),
			Text("generation %d stays mapped: it faulted inside libc, where a lock may still be held", c.generation.Number))
		p.countPinned(pinReason(c))
		return true
	}
	if c.artifact.Report.Has("threads") {
		log.Warn("library stays mapped", zap.String("reason", "threads"),
			Text("generation %d stays mapped: a thread that it has started may still run in it", c.generation.Number))
		p.countPinned("threads")
		return true
	}
	pinned, err := c.library.Close()
	switch {
	case err != nil:
		log.Warn("cannot close the old library", zap.Error(err), Text("cannot close the old library: %v", err))
	case pinned:
		reason := pinReason(c)
		p.countPinned(reason)
		log.Warn("library stays mapped", zap.String("reason", reason),
			Text("generation %d of %s stays mapped: %s (hotreload doctor names the remedy)", c.generation.Number, c.generation.Library, reason))
	default:
		p.engine.set(func(s *Status) { s.Reclaimed++ })
		p.store.Release(c.library.Path())
	}
	return pinned
}

func (p *pipeline) countPinned(reason string) {
	p.engine.set(func(s *Status) {
		s.Pinned++
		by := maps.Clone(s.PinnedBy) // a Status handed out does not change
		if by == nil {
			by = make(map[string]uint64)
		}
		by[reason]++
		s.PinnedBy = by
	})
}

// PinnedError says why a library that was closed stays mapped.
type PinnedError struct {
	Reason string // codes of findings of the inspection, "poisoned", or "unknown"
}

// Error implements error.
func (e *PinnedError) Error() string { return "the library stays mapped: " + e.Reason }

// pinReason says why a library stays mapped, from its inspection.
func pinReason(c *code) string {
	if c.library.poisoned.Load() {
		return "poisoned"
	}
	var reasons []string
	for _, f := range c.artifact.Report.Pins() {
		reasons = append(reasons, f.Code)
	}
	if len(reasons) == 0 {
		return "unknown"
	}
	return strings.Join(reasons, ", ")
}
