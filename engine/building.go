package engine

import (
	"context"
	"fmt"
	"time"

	"hotreload/engine/build"

	"go.uber.org/zap"
)

// This file is the build of the change under way: the newest sources win.

// built is the result of one build.
type built struct {
	result build.Result
	err    error
	at     time.Time
}

type buildInProcess struct {
	cancel context.CancelFunc
	done   chan built // capacity 1
}

// startBuild starts a build of the sources as they are; none is running.
func (p *pipeline) startBuild() {
	c := &p.change
	c.built, c.stale = nil, false
	c.asked, p.asked = append(c.asked, p.asked...), nil
	if p.builder == nil { // somebody else builds: what is there counts once it is quiet
		c.built = &built{result: build.Result{Library: p.library, Fresh: true}, at: time.Now()}
		return
	}
	ctx, cancel := context.WithCancel(p.ctx)
	b := &buildInProcess{cancel: cancel, done: make(chan built, 1)}
	p.building = b
	c.stages.Watch = time.Since(c.first)
	p.group.Go(func() error {
		defer cancel()
		result, err := p.builder.Build(ctx)
		b.done <- built{result, err, time.Now()}
		return nil
	})
}

// restartBuild makes the newest sources win: a running build is ended first, and has ended before the next begins.
func (p *pipeline) restartBuild() {
	p.change.built = nil
	if p.building == nil {
		p.startBuild()
		return
	}
	p.change.stale = true
	p.building.cancel()
}

// cancelBuild ends a running build and waits until all of its processes are gone.
func (p *pipeline) cancelBuild() {
	if p.building == nil {
		return
	}
	p.building.cancel()
	<-p.building.done
	p.building, p.change.stale = nil, false
}

func (p *pipeline) buildDone() <-chan built {
	if p.building == nil {
		return nil
	}
	return p.building.done
}

func (p *pipeline) buildEnded(b built) {
	p.building = nil
	if p.change.stale {
		p.startBuild()
		return
	}
	p.change.built = &b
	p.change.stages.Build = b.result.Duration
	if err := p.watcher.Add(b.result.Dependencies...); err != nil {
		p.log.Named("watch").Warn("cannot watch a dependency", zap.Error(err), Text("cannot watch a dependency: %v", err))
	}
}

// StaleError is a build that succeeded without writing the library.
type StaleError struct{ Library string }

// Error implements error.
func (e *StaleError) Error() string {
	return fmt.Sprintf("error: the command succeeded but did not write %s (name the file it writes with --lib)", e.Library)
}
