package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"hotreload/engine/abi"
	"hotreload/engine/artifact"
	"hotreload/engine/native"
	"hotreload/engine/state"
	"hotreload/engine/trial"

	"go.uber.org/zap"
)

// stage times f as one stage and marks its error as that stage's.
func stage(name Stage, took *time.Duration, f func() error) error {
	start := time.Now()
	err := f()
	*took += time.Since(start)
	if err != nil {
		return &StageError{name, err}
	}
	return nil
}

// inspect copies the library into the store and looks at the copy, before anything maps it.
func (p *pipeline) inspect(ctx context.Context, c *change) (art *artifact.Artifact, err error) {
	err = stage(StageInspect, &c.stages.Inspect, func() error {
		if art, err = p.store.Take(ctx, c.built.result.Library); err != nil {
			return err
		}
		if p.cfg.Strict && art.Report.Worst() >= artifact.Warn {
			p.store.Forget(art.Hash)
			return &StrictError{Finding: art.Report.Findings[0]}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// What runs has faulted, and the news is on its way here: or the same library would be taken for a new one.
	for r := p.running; r != nil && r.condemned.Load() && p.bad[r.artifact.Hash] == nil; r = p.running {
		p.faulted(<-p.crew.faults)
	}
	if p.running != nil && art.Hash == p.running.artifact.Hash && !p.running.condemned.Load() {
		return nil, ErrUnchanged
	}
	if reason := p.bad[art.Hash]; reason != nil {
		return nil, &StageError{StageRun, &BadArtifactError{reason}}
	}
	return art, nil
}

// try runs the candidate in a child process, on a copy of live shards, before the host maps it.
func (p *pipeline) try(ctx context.Context, art *artifact.Artifact, c *change) error {
	if p.trials == nil {
		return nil
	}
	candidate := trial.Candidate{
		Path: art.Path, Name: filepath.Base(c.built.result.Library), DT: p.crew.dt, Shards: p.cfg.Shards,
		Seed: func(shard int) uint64 { return shardSeed(p.cfg.Seed, shard) },
	}
	if r := p.running; r != nil {
		// Of auto nothing is known before the library is loaded: it converts by name, as long as that can be done.
		alike, migrate := p.readsAlike(art), p.cfg.Migrate == MigratePlugin
		if alike || migrate {
			arena := r.ground.arena
			candidate.Live = &trial.Live{
				File: arena.File(), Offset: uint64(arena.Offset()), StateSize: arena.StateSize(), Stride: uint64(arena.Stride()), Shards: arena.Shards(),
				Fields: r.api.Fields, Unlike: !alike, Migrate: migrate, Revision: r.api.StateRevision, Addresses: addresses(r.layout),
			}
		}
	}
	start := time.Now()
	report, err := p.trials.Try(ctx, candidate)
	c.stages.Trial = time.Since(start)
	var unavailable *trial.UnavailableError
	var mismatch *abi.Mismatch
	switch {
	case errors.As(err, &unavailable):
		p.log.Named("reload").Warn("no trial", zap.Error(err), Text("%v", err))
		return nil
	case errors.As(err, &mismatch):
		return &StageError{StageGuard, mismatch}
	case err != nil:
		return &StageError{StageTrial, err}
	}
	for _, w := range report.Warnings {
		p.log.Named("reload").Warn("trial", zap.String("code", w.Code), zap.String("why", w.Text), Text("%s: %s", candidate.Name, w.Text))
	}
	return nil
}

// readsAlike tells whether the candidate's debug information, if there is any to compare, means the same by the state's
// bytes as the running code. If not, the trial uses fresh shards and the guard has the last word.
func (p *pipeline) readsAlike(art *artifact.Artifact) bool {
	running := p.running.layout
	if running.Source != state.SourceDWARF {
		return true
	}
	candidate, err := state.FromDWARF(art.Path, p.cfg.StateType, running.Size)
	return err != nil || state.Compatible(running, candidate)
}

// addresses tells whether a state with this layout can be copied to another process.
func addresses(l *state.Layout) trial.Addresses {
	switch {
	case l.Pointers:
		return trial.Present
	case l.Source == state.SourceSize || l.Source == state.SourceDeclaration:
		return trial.Unknown
	}
	return trial.Absent
}

// StrictError refuses a library for a finding that Config.Strict does not let pass.
type StrictError struct{ Finding artifact.Finding }

// Error implements error.
func (e *StrictError) Error() string {
	return fmt.Sprintf("%s (%s): %s; %s", e.Finding.Code, e.Finding.Subject, e.Finding.Why, e.Finding.Remedy)
}

// load opens a private copy of the artifact, under the library's name, and reads its API.
func (p *pipeline) load(art *artifact.Artifact, name string, c *change) (next *code, err error) {
	p.loads++
	next = &code{artifact: art, fallback: p.running, decided: make(chan struct{}), closed: make(chan struct{})}
	next.generation = Generation{Hash: art.Hash.String(), Library: name}
	err = stage(StageLoad, &c.stages.Load, func() error {
		path, err := p.store.Shadow(art, p.loads)
		if err != nil {
			return err
		}
		prepare(art.Report)
		opened, err := native.Open(path)
		if err != nil {
			p.store.Release(path)
			return err
		}
		next.library = &library{Library: opened, number: p.loads}
		next.library.generations.Store(1)
		p.engine.set(func(s *Status) { s.Loaded++ })
		opened.Prefault()
		p.restoreHandlers(name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = stage(StageGuard, &c.stages.Guard, func() error {
		if err := next.read(); err != nil {
			return err
		}
		return p.understand(next)
	})
	if err != nil {
		p.close(next)
		return nil, err
	}
	return next, nil
}

// prepare opens system libraries that must be there before the plugin: libstdc++ binds to the first plugin that brings
// its templates, and keeps it, unless it was there first; the threads of libgomp outlive a plugin that is closed.
func prepare(r *artifact.Report) {
	for _, needed := range r.Needed {
		if strings.HasPrefix(needed, "libstdc++.so") || strings.HasPrefix(needed, "libgomp.so") {
			native.Preload(needed)
		}
	}
}

// restoreHandlers puts the host's signal handlers back when native code has replaced them.
func (p *pipeline) restoreHandlers(name string) {
	stolen, err := native.Restore()
	switch {
	case err != nil:
		p.log.Named("server").Warn("cannot check the signal handlers", zap.Error(err), Text("cannot check the signal handlers: %v", err))
	case len(stolen) > 0:
		p.log.Named("server").Warn("signal handlers restored", zap.Stringers("signals", stolen),
			Text("%s had replaced the host's handlers of %v: they are back", name, stolen))
	}
}

// read asks the library for its API.
func (c *code) read() error {
	get, err := c.library.Symbol("logic_get_api")
	if err != nil {
		return err
	}
	thread := native.NewThread()
	defer thread.Release()
	at, fault := thread.Get(c.library.Library, get)
	if fault != nil {
		return fmt.Errorf("logic_get_api: %w", fault)
	}
	c.api, err = abi.Read(c.library.Image(), at)
	c.generation.APIVersion, c.generation.Revision = c.api.Version, c.api.Revision
	return err
}

// guard checks the candidate against the rules and against the state that is there.
func (p *pipeline) guard(next *code, c *change) error { return p.check(next, c, p.fit) }

// check is guard, with place to say how the state comes to the code.
func (p *pipeline) check(next *code, c *change, place func(*code) error) error {
	return stage(StageGuard, &c.stages.Guard, func() error {
		if err := abi.Guard(next.library.Image(), next.api, abi.Expectation{}); err != nil {
			return err
		}
		if p.running == nil {
			return p.guardState(next)
		}
		return place(next)
	})
}
