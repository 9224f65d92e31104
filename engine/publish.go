package engine

import (
	"context"
	"time"

	"hotreload/engine/state"
	"hotreload/epoch"
	"hotreload/workers"

	"go.uber.org/zap"
)

// pool is the workers and what they run on.
type pool struct {
	*workers.Pool[*code]
	arena    *state.Arena
	finished chan struct{} // closed when Config.Ticks are done; nil before the first generation
	ended    chan struct{} // closed when all workers have ended
}

// publish makes next the running generation, beginning with tick 0 when it is the first.
func (p *pipeline) publish(next *code, c *change) error {
	return stage(StagePublish, &c.stages.Publish, func() error {
		c.picture = newPicture(next, p.cfg.Shards, p.cfg.Workers)
		if p.running == nil {
			return p.begin(next, c.picture)
		}
		c.replaced = replaced{p.running, p.pool.Current()}
		g := p.pool.Publish(workers.Directive[*code]{
			Code:   next,
			Arrive: func(h workers.Hand[*code], s workers.Span, _ uint64) { c.picture.take(h.(*hand), s) },
		})
		next.generation.Epoch, next.generation.Activation = g.Epoch(), g.Activation()
		p.running = next
		return nil
	})
}

// begin makes the state and starts the workers.
func (p *pipeline) begin(first *code, picture *picture) error {
	cfg := p.cfg
	arena, err := state.NewArena(first.api.StateSize, cfg.Shards)
	if err != nil {
		return err
	}
	first.generation.Epoch = 1
	seed, dt := cfg.Seed, cfg.dt()
	members := workers.New(
		workers.Config{
			Workers: cfg.Workers, Shards: cfg.Shards, Period: max(cfg.Tick, 0), Ticks: cfg.Ticks,
			MaxCatchup: cfg.MaxCatchup, Mode: cfg.Swap,
		},
		workers.Directive[*code]{Code: first, Arrive: func(h workers.Hand[*code], s workers.Span, _ uint64) {
			h.(*hand).begin(first, s, seed)
			picture.take(h.(*hand), s)
		}},
		func(workers.Span) workers.Hand[*code] { return newHand(arena, dt) },
	)
	finished, ended := make(chan struct{}), make(chan struct{})
	p.pool, p.running = pool{members, arena, finished, ended}, first
	p.group.Go(func() error {
		defer close(ended)
		return members.Run()
	})
	if cfg.Ticks != 0 {
		p.group.Go(func() error {
			defer close(finished)
			return members.Reach(context.Background(), cfg.Ticks)
		})
	}
	p.engine.mu.Lock()
	p.engine.pool = members
	p.engine.mu.Unlock()
	return nil
}

// replaced is the code that a publication made old, and the directive by which workers run it.
type replaced struct {
	code      *code
	directive *epoch.Generation[workers.Directive[*code]]
}

// reclaim waits, beside the pipeline, until no worker can run old any more, then closes its library.
func (p *pipeline) reclaim(old replaced) {
	start, grace := time.Now(), p.pool.Retire(old.directive, 1)
	p.group.Go(func() error {
		if err := grace.Wait(context.Background()); err != nil {
			return err
		}
		passed := time.Now()
		pinned := p.close(old.code)
		p.reportReclaimed(old.code, passed.Sub(start), time.Since(passed), pinned)
		return nil
	})
}

// stop ends the workers at one tick, after a last look at the state and the plugin's shutdown of every shard.
func (p *pipeline) stop() {
	if p.running == nil {
		return
	}
	last := p.running
	picture := newPicture(last, p.cfg.Shards, p.cfg.Workers)
	p.pool.Publish(workers.Directive[*code]{
		Code: last, Stop: true,
		Arrive: func(h workers.Hand[*code], s workers.Span, _ uint64) {
			picture.take(h.(*hand), s)
			h.(*hand).each(last, last.api.Shutdown, s)
		},
	})
	<-p.pool.ended
	<-p.shown
	if p.cfg.Ticks != 0 {
		p.log.Named("state").Info("final", zap.String("state", picture.line()), Text("%s", picture.line()))
	}
	p.close(last)
}
