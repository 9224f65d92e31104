package engine

import (
	"errors"
	"path/filepath"
	"strings"
	"time"

	"hotreload/engine/artifact"
	"hotreload/engine/journal"
	"hotreload/epoch"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// This file is all that the pipeline says: log entries, events and the status, each outcome in one place.

func (p *pipeline) reportChanged(paths []string) {
	p.log.Named("watch").Info("change detected", zap.Strings("paths", paths))
	p.engine.hub.send(Event{Kind: Changed, Paths: paths})
}

func (p *pipeline) reportBuilt() {
	if p.running != nil { // the first build is part of starting up
		p.log.Named("build").Info("success")
	}
	p.engine.hub.send(Event{Kind: Built})
}

// report says what became of a change.
func (p *pipeline) report(c *change, err error, first bool) {
	p.engine.set(func(s *Status) { s.Outcome = err }) // before the events that tell of it
	switch {
	case err == nil:
		p.reportSwapped(c, first)
	case errors.Is(err, ErrUnchanged):
		p.log.Named("reload").Info("unchanged", Text("unchanged, nothing to swap"))
		p.engine.hub.send(Event{Kind: Unchanged, Generation: p.running.generation, Stages: c.stages})
	default:
		p.reportRejected(c, err, first)
	}
}

func (p *pipeline) reportSwapped(c *change, first bool) {
	g := p.running.generation
	kind, log, message := Swapped, p.log.Named("reload"), "swapped"
	text := Text("swapped %s (api=%d)", g.Library, g.APIVersion)
	if first {
		kind, log, message, text = Running, p.log.Named("server"), "running", Text("running")
	}
	swaps := p.reportPublished(p.running, kind)
	migration := p.running.migrated()
	log.Info(message, append(generationFields(g), zap.Uint64("swaps", swaps), zap.Object("stages", c.stages), migration.field(), text)...)
	p.engine.hub.send(Event{Kind: kind, Generation: g, Stages: c.stages, Migration: migration})
	p.reportMigration(migration)
	p.reportFindings(p.running)
	p.reportState(c.picture, first)
}

// threadLocal is the code of the finding about thread-local destructors: see freshThreads.
const threadLocal = "thread-local-destructors"

// reportFindings warns of what keeps the new library from being unloaded or endangers the host, when the one before did
// not have it. Thread-local destructors do neither here, where workers move to fresh threads before a library is closed.
func (p *pipeline) reportFindings(c *code) {
	for _, f := range c.artifact.Report.Findings {
		if f.Severity < artifact.Warn || c.fallback != nil && c.fallback.artifact.Report.Has(f.Code) {
			continue
		}
		level := zap.WarnLevel
		if f.Code == threadLocal {
			level = zap.DebugLevel
		}
		p.log.Named("reload").Log(level, "finding", zap.String("code", f.Code), zap.String("subject", f.Subject), zap.String("why", f.Why),
			zap.String("remedy", f.Remedy), Text("%s has %s: %s; %s", c.generation.Library, f.Code, f.Why, f.Remedy))
	}
}

func generationFields(g Generation) []zap.Field {
	return []zap.Field{
		zap.String("library", g.Library), zap.Int32("api", g.APIVersion), zap.Int32("revision", g.Revision),
		zap.Uint64("generation", g.Number), zap.Uint64("epoch", g.Epoch), zap.Uint64("activation_tick", g.Activation),
		zap.String("hash", g.Hash),
	}
}

// reportPublished puts a new generation into the status and returns the number of swaps so far.
func (p *pipeline) reportPublished(c *code, kind Kind) (swaps uint64) {
	p.engine.set(func(s *Status) {
		if s.Generation.Number != 0 {
			s.Swaps++
		}
		s.Generation = c.generation
		s.Generations = append(s.Generations, c.generation)
		swaps = s.Swaps
	})
	switch kind {
	case Running:
		p.recordBegin(c)
		p.recordPublished(journal.Begin, c)
	case RolledBack:
		p.recordPublished(journal.Rollback, c)
	default:
		p.recordPublished(journal.Swap, c)
	}
	return swaps
}

// reportLateFault says that code faulted which another generation has replaced already: no news of the last reload.
func (p *pipeline) reportLateFault(fault *FaultError) {
	p.engine.set(func(s *Status) { s.Faults++ })
	p.logFault(fault)
}

// reportFault says what faulted and what takes its place; next is nil when there is nothing.
func (p *pipeline) reportFault(fault *FaultError, next *code) {
	p.engine.set(func(s *Status) {
		s.Faults++
		s.Outcome = &StageError{StageRun, fault}
	})
	p.logFault(fault)
	if p.stopping {
		return
	}
	if next == nil {
		p.log.Named("reload").Warn("nothing to roll back to", Text("nothing to roll back to: faulting shards are held until the next good build"))
		return
	}
	p.reportRollback(next)
}

// reportOverdue says who has been in a tick for too long: everything but the reclaim of older code goes on meanwhile.
func (p *pipeline) reportOverdue(h *hand, since time.Time) {
	age, tick := time.Since(since).Round(time.Millisecond), uint64(0)
	first, index := h.thread.Call()
	shard := int((first-h.arena.Base())/h.arena.Stride()) + index
	p.engine.mu.Lock()
	p.engine.overdue[h.span.Worker] = since
	if p.engine.pool != nil { // else it is the first to begin
		for _, w := range p.engine.pool.Progress() {
			if w.Span.Worker == h.span.Worker {
				tick = w.Tick
			}
		}
	}
	generation := p.engine.status.runs(tick)
	p.engine.mu.Unlock()
	p.log.Named("server").Warn("tick is late", zap.Int("worker", h.span.Worker), zap.Int("shard", shard), zap.Uint64("tick", tick),
		zap.Uint64("generation", generation), zap.Duration("age", age),
		Text("worker %d has been in tick %d of generation %d for %v, at shard %d", h.span.Worker, tick, generation, age, shard))
}

// reportStraggling says who holds up the reclaim of old.
func (p *pipeline) reportStraggling(old *code, err *epoch.StragglersError) {
	log := p.log.Named("reload")
	for _, s := range err.Behind {
		log.Warn("reclaim is late", zap.Uint64("generation", old.generation.Number), zap.Int("worker", s.ID), zap.Uint64("tick", s.Tick),
			zap.Bool("parked", s.Parked), zap.Duration("age", s.Age),
			Text("generation %d stays open: worker %d has been at tick %d for %v", old.generation.Number, s.ID, s.Tick, s.Age.Round(time.Millisecond)))
	}
}

func (p *pipeline) logFault(fault *FaultError) {
	p.recordFault(fault)
	p.engine.hub.send(Event{Kind: Faulted, Err: fault})
	log := p.log.Named("reload")
	fields := []zap.Field{
		zap.Uint64("generation", fault.Generation), zap.String("function", fault.Function), zap.String("where", fault.Where),
		zap.String("signal", fault.Fault.Error()), zap.Int("worker", fault.Worker), zap.Int("shard", fault.Shard),
		zap.Uint64("tick", fault.Tick), zap.Bool("poisoned", fault.Fault.Poisoned),
	}
	log.Error("fault", append(fields, Text("fault in generation %d: %v", fault.Generation, fault))...)
}

func (p *pipeline) reportRollback(next *code) {
	g, migration := next.generation, next.migrated()
	p.log.Named("reload").Warn("rolled back", append(generationFields(g), migration.field(),
		Text("rolled back to %s (%s) as generation %d", g.Library, next.artifact.Hash.Short(), g.Number))...)
	p.engine.hub.send(Event{Kind: RolledBack, Generation: g, Migration: migration})
	p.reportMigration(migration)
}

// reportState logs the [state] line once every worker has contributed to the picture, after the one before.
func (p *pipeline) reportState(picture *picture, first bool) {
	before, shown := p.shown, make(chan struct{})
	p.shown = shown
	p.group.Go(func() error {
		defer close(shown)
		<-picture.taken
		if before != nil {
			<-before
		}
		line, message, suffix := picture.line(), "state", ""
		if !first {
			message, suffix = "preserved", " (preserved)"
		}
		p.log.Named("state").Info(message, zap.String("state", line), Text("%s%s", line, suffix))
		return nil
	})
}

func (p *pipeline) reportRejected(c *change, err error, first bool) {
	p.engine.set(func(s *Status) { s.Rejections++ })
	p.engine.hub.send(Event{Kind: Rejected, Err: err, Stages: c.stages})

	var se *StageError
	reason := err
	if errors.As(err, &se) {
		reason = se.Err
	}
	fields := []zap.Field{zap.Error(reason), zap.Object("stages", c.stages)}
	if se != nil {
		fields = append(fields, zap.String("stage", string(se.Stage)))
	}
	below := ""
	if mismatch := (*LayoutError)(nil); errors.As(err, &mismatch) {
		fields = append(fields, zap.Array("differences", mismatch))
		below = indented(mismatch.Table())
	}
	build := se != nil && se.Stage == StageBuild
	if build {
		p.log.Named("build").Warn("failed", append(fields, Text("failed: %v", reason))...)
	}
	switch {
	case !first && build:
		p.log.Named("reload").Warn("rejected", append(fields, Text("rejected, keeping old plugin"))...)
	case !first:
		p.log.Named("reload").Warn("rejected", append(fields, Text("rejected, keeping old plugin: %v%s", reason, below))...)
	case !build:
		p.log.Named("reload").Warn("rejected", append(fields, Text("rejected: %v%s", reason, below))...)
	}
	if first && !p.cfg.ExitOnFailure {
		p.log.Named("server").Info("waiting for a good build")
	}
}

// indented returns a table as lines that go below an entry.
func indented(table string) string {
	if table == "" {
		return ""
	}
	return "\n  " + strings.ReplaceAll(table, "\n", "\n  ")
}

// reportReclaimed says that a retired library is closed.
func (p *pipeline) reportReclaimed(old *code, stages Stages, pinned bool) {
	g := old.generation
	kind, err := Reclaimed, error(nil)
	if pinned {
		kind, err = Pinned, &PinnedError{Reason: pinReason(old)}
	}
	p.log.Named("reload").Debug(string(kind), zap.Uint64("generation", g.Number), zap.String("library", filepath.Base(old.library.Path())),
		zap.Object("stages", stages))
	p.engine.set(func(s *Status) {
		for i := range s.Generations {
			if s.Generations[i].Number == g.Number {
				s.Generations = append(s.Generations[:i], s.Generations[i+1:]...)
				break
			}
		}
	})
	p.engine.hub.send(Event{Kind: kind, Generation: g, Err: err, Stages: stages})
}

// MarshalLogObject implements zapcore.ObjectMarshaler: durations by stage, those that were reached.
func (s Stages) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"watch", s.Watch}, {"build", s.Build}, {"settle", s.Settle}, {"inspect", s.Inspect}, {"trial", s.Trial}, {"load", s.Load},
		{"guard", s.Guard}, {"publish", s.Publish}, {"migrate", s.Migrate}, {"pause", s.Pause}, {"grace", s.Grace}, {"reclaim", s.Reclaim}, {"total", s.Total},
	} {
		if d.value != 0 {
			enc.AddDuration(d.name, d.value)
		}
	}
	return nil
}
