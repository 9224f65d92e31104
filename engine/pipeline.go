package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"hotreload/engine/artifact"
	"hotreload/engine/build"
	"hotreload/engine/journal"
	"hotreload/engine/state"
	"hotreload/engine/trial"
	"hotreload/engine/watch"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// pipeline takes changes from the disk to the workers: watch -> build -> inspect -> trial -> load -> guard -> publish ->
// reclaim. One goroutine runs it and owns all of its fields.
//
// A build starts with the first event of a change and is restarted while more come; its verdict, good or bad, counts
// once the sources are quiet. So a save costs the longer of the two, the build or the debounce, not their sum.
type pipeline struct {
	engine  *Engine
	cfg     *Config
	log     *zap.Logger
	scratch string
	library string // the file the build leaves

	store   *artifact.Store
	builder *build.Builder // nil when somebody else builds
	watcher *watch.Watcher
	trials  *trial.Runner // nil when Config.Trial is off

	ctx      context.Context // of the run: builds end with it
	group    *errgroup.Group // everything that Run waits for
	numbers  uint64          // the last generation number given
	loads    uint64          // libraries opened so far, each from a file of its own
	running  *code           // nil before the first generation
	stopping bool            // the workers are ending: nothing more is published
	paused   bool            // the workers stand still, or will
	limited  uint64          // in front of this tick
	pinned   bool            // the running generation is kept
	waiting  bool            // for the end of that: a change
	restores int             // of snapshots, under way
	pool     pool            // what it runs on
	crew     *crew           // what its hands share
	lateness *lateness       // of the ticks
	shown    <-chan struct{} // closed when the last [state] line has been logged
	grounds  []*ground       // all that there are: that of the running code, and those to which a rollback may lead
	file     *state.File     // with the state of an earlier run, until a ground is made of it; nil without one

	postponed []faultReport // that came while a migration was under way

	kept     []*artifact.Artifact      // good artifacts that have run, the newest last
	numberOf map[artifact.Hash]uint64  // the last generation of each
	groundOf map[artifact.Hash]*ground // the last on which each ran; it may be gone
	bad      map[artifact.Hash]error   // artifacts that faulted

	unreadable string // why debug information was last found to be of no use

	writer    *journal.Writer   // of the journal; nil without one, and when it could not be written
	artifacts journal.Artifacts // that it names

	asked    []chan<- error  // calls of Reload that the next build answers
	change   change          // the one under way
	building *buildInProcess // the newest build; nil when none runs
}

// change is one change of the sources on its way to a verdict.
type change struct {
	first   time.Time      // its first event
	settled bool           // the sources are quiet
	stale   bool           // a newer event came while a build was running: build again
	built   *built         // the newest build's result, once it is there
	paths   []string       // the files that differ
	asked   []chan<- error // calls of Reload that wait for the verdict
	stages  Stages
	picture *picture // of the state at the publication

	replaced replaced // what the publication made old
}

// run is the pipeline's life.
func (p *pipeline) run(ctx context.Context) error {
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	p.group, p.ctx = errgroup.WithContext(watching)
	p.group.Go(func() error { return p.watcher.Run(p.ctx) })
	attending, dismiss := context.WithCancel(context.WithoutCancel(ctx)) // until the last tick has ended
	defer dismiss()
	p.group.Go(func() error { return p.watchdog(attending) })
	err := p.loop(p.ctx)
	p.cancelBuild()
	p.stop()
	dismiss()
	stopWatching()
	if waitErr := p.group.Wait(); err == nil && !errors.Is(waitErr, context.Canceled) {
		err = waitErr
	}
	return err
}

// loop waits for what happens next, until the run is to end: nil, or the reason why it cannot go on.
func (p *pipeline) loop(ctx context.Context) error {
	batches := p.watcher.Batches()
	p.change = change{first: time.Now(), settled: true}
	p.startBuild()
	for {
		for len(p.postponed) > 0 {
			r := p.postponed[0]
			p.postponed = p.postponed[1:]
			p.faulted(r)
		}
		if len(p.asked) > 0 && p.building == nil && p.change.built == nil {
			p.change.first, p.change.settled = time.Now(), true
			p.startBuild()
		}
		if c := &p.change; c.settled && c.built != nil {
			if err := p.verdict(ctx); err != nil {
				return err
			}
			continue // a Reload may have come meanwhile
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.pool.finished:
			return nil
		case batch, ok := <-batches:
			if !ok {
				batches = nil
				continue
			}
			p.noticed(batch)
		case b := <-p.buildDone():
			p.buildEnded(b)
		case r := <-p.crew.faults:
			p.faulted(r)
		case <-p.crew.leaves.news():
			p.recordLeaves()
		case f := <-p.engine.calls:
			p.settleFaults() // of ticks before the call
			f(p)
		}
	}
}

// rebuild answers Engine.Reload with the verdict on the change under way, or else on a build of its own.
func (p *pipeline) rebuild(verdict chan<- error) {
	if p.stopping {
		verdict <- ErrNotRunning
		return
	}
	p.asked = append(p.asked, verdict) // the loop starts a build for it as soon as none is under way
}

// noticed handles a batch of changes.
func (p *pipeline) noticed(batch watch.Batch) {
	c := &p.change
	if c.settled || c.first.IsZero() {
		c.first = batch.First
	}
	c.settled = batch.Settled
	if len(batch.Paths) == 0 { // the burst is, or has ended, where it began
		if len(c.asked) == 0 {
			p.cancelBuild()
			c.built = nil
		}
		return
	}
	if batch.Restart {
		p.restartBuild()
	}
	if batch.Settled {
		c.paths = batch.Paths
		p.reportChanged(batch.Paths)
	}
}

// verdict ends the change under way: the build counts, and so does whatever becomes of its library. The error ends the
// run.
func (p *pipeline) verdict(ctx context.Context) error {
	c := p.change
	p.change = change{}
	c.stages.Settle = time.Since(c.built.at)
	first := p.running == nil
	err := ErrPin
	if !p.pinned {
		err = p.reload(ctx, &c)
	}
	if ctx.Err() != nil && err != nil {
		return nil // cut short by the end of the run: says nothing about the plugin
	}
	p.conclude(&c, err, first)
	for _, verdict := range c.asked {
		verdict <- err
	}
	if first && err != nil && p.cfg.ExitOnFailure {
		return err
	}
	return nil
}

// conclude says what became of a change, and has reclaimed what it replaced.
func (p *pipeline) conclude(c *change, err error, first bool) {
	c.stages.Total = time.Since(c.first)
	if errors.Is(err, ErrPin) {
		p.waiting = p.waiting || len(c.paths) > 0
		p.reportWaiting(c)
		return
	}
	p.report(c, err, first)
	if c.replaced.code != nil {
		p.reclaim(c.replaced)
	}
}

// reload takes a built library to the workers. On an error, a *StageError or ErrUnchanged, the generation that runs is
// untouched.
func (p *pipeline) reload(ctx context.Context, c *change) error {
	if err := c.built.err; err != nil {
		return &StageError{StageBuild, err}
	}
	if !c.built.result.Fresh && len(c.paths) > 0 {
		return &StageError{StageBuild, &StaleError{c.built.result.Library}}
	}
	p.reportBuilt()
	return p.admit(ctx, c)
}

// admit takes a library to the workers, wherever it came from.
func (p *pipeline) admit(ctx context.Context, c *change) error {
	art, err := p.inspect(ctx, c)
	if err != nil {
		return err
	}
	if err := p.try(ctx, art, c); err != nil {
		p.store.Forget(art.Hash)
		return err
	}
	next, err := p.load(art, filepath.Base(c.built.result.Library), c)
	if err == nil {
		if err = p.guard(next, c); err == nil {
			err = p.publish(next, c)
		} else {
			p.close(next)
		}
	}
	if err != nil {
		p.store.Forget(art.Hash)
		return err
	}
	p.keep(next)
	p.prune()
	return nil
}

// dismantle gives back what assemble made. All goroutines have ended.
func (p *pipeline) dismantle() {
	p.closeJournal()
	if p.trials != nil {
		p.trials.Close()
	}
	if p.store != nil {
		if err := p.store.Close(); err != nil {
			p.log.Warn("cannot close the artifact store", zap.Error(err), Text("cannot close the artifact store: %v", err))
		}
	}
	for _, g := range p.grounds {
		g.close()
	}
	if p.file != nil {
		_ = p.file.Close()
	}
	_ = os.RemoveAll(p.scratch)
}
