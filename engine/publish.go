package engine

import (
	"context"
	"math"
	"time"

	"hotreload/epoch"
	"hotreload/workers"

	"go.uber.org/zap"
)

// pool is the workers and what they run on.
type pool struct {
	*workers.Pool[*code]
	finished chan struct{} // closed when Config.Ticks are done; nil before the first generation
	ended    chan struct{} // closed when all workers have ended
}

// publish makes next the running generation, and the first one begin.
func (p *pipeline) publish(next *code, c *change) error {
	c.picture = newPicture(next, p.cfg.Shards)
	if p.running == nil {
		if err := p.adopt(next, &c.stages); err != nil {
			p.close(next)
			return err
		}
		return stage(StagePublish, &c.stages.Publish, func() error { return p.begin(next, c.picture) })
	}
	old, err := p.install(next, c.picture, &c.stages)
	c.replaced = old
	return err
}

// install publishes next in place of the running code, and waits for its migration if it has one. It returns what is old
// from then on. On an error what ran before goes on, and next is taken care of.
func (p *pipeline) install(next *code, picture *picture, stages *Stages) (old replaced, err error) {
	if err := p.prepare(next); err != nil {
		p.close(next)
		return replaced{}, &StageError{StageMigrate, err}
	}
	start := time.Now()
	p.number(next)
	directive, g := p.pool.Replace(workers.Directive[*code]{
		Code:   next,
		Light:  next.migration == nil && p.running.api.BeforeReload == 0 && next.api.AfterReload == 0,
		Arrive: func(h workers.Hand[*code], s workers.Span, _ uint64) { picture.take(h.(*hand), s) },
	})
	next.generation.Epoch, next.generation.Activation = g.Epoch(), g.Activation()
	stages.Publish = time.Since(start)
	if m := next.migration; m != nil {
		err := p.await(m)
		if stages.Migrate = m.held; err != nil {
			p.withdraw(next)
			return replaced{}, &StageError{StageMigrate, err}
		}
		p.arrived(m)
		p.complain(m.file)
	}
	old = replaced{p.running, directive}
	next.relieves = p.running.stand.Load() == next
	p.running.next, p.running = next, next
	p.recordCode()
	return old, nil
}

// number gives the generation that is about to be published its number.
func (p *pipeline) number(next *code) {
	p.numbers++
	next.generation.Number = p.numbers
}

// begin makes the state and starts the workers.
func (p *pipeline) begin(first *code, picture *picture) error {
	cfg := p.cfg
	ground, err := p.newGround(first)
	if err != nil {
		p.close(first)
		return err
	}
	p.grounds = append(p.grounds, ground)
	p.number(first)
	first.ground, first.generation.Epoch = ground, 1
	p.crew.arena, p.crew.marks, p.crew.due = ground.arena, make([]mark, cfg.Shards), make([]uint64, cfg.Shards)
	start, next := p.takeUp(first)
	for _, m := range p.crew.marks {
		if m != live {
			p.crew.quarantined.Add(1) // until a worker begins with it
		}
	}
	if cfg.Swap == epoch.Aligned {
		first.generation.Activation = next
	}
	ticks := cfg.Ticks
	if ticks != 0 {
		ticks = min(ticks, math.MaxUint64-next) + next
	}
	p.paused, p.limited = cfg.Paused, first.generation.Activation
	limit := workers.Unlimited
	if p.paused {
		limit = workers.After(0)
	}
	members := workers.New(
		workers.Config{
			Workers: cfg.Workers, Shards: cfg.Shards, Period: max(cfg.Tick, 0), Start: start, Ticks: ticks,
			MaxCatchup: cfg.MaxCatchup, Mode: cfg.Swap, Observe: p.observe,
		},
		workers.Directive[*code]{Code: first, Limit: limit, Arrive: func(h workers.Hand[*code], s workers.Span, tick uint64) {
			h.(*hand).begin(first, s, tick)
			picture.take(h.(*hand), s)
		}},
		func(s workers.Span) workers.Hand[*code] { return newHand(p.crew, s) },
	)
	finished, ended := make(chan struct{}), make(chan struct{})
	p.pool, p.running = pool{members, finished, ended}, first
	p.group.Go(func() error {
		defer close(ended)
		return members.Run()
	})
	if ticks != 0 {
		p.group.Go(func() error {
			defer close(finished)
			return members.Reach(context.Background(), ticks)
		})
	}
	p.engine.mu.Lock()
	p.engine.pool = members
	p.engine.mu.Unlock()
	return nil
}

// stop ends the workers at one tick, after a last look at the state and the plugin's shutdown of every shard.
func (p *pipeline) stop() {
	p.stopping = true
	if p.running == nil {
		return
	}
	last := p.running
	for _, r := range p.postponed {
		p.lateFault(r)
	}
	picture, digest := newPicture(last, p.cfg.Shards), digest(nil)
	if p.writer != nil || p.log.Core().Enabled(zap.DebugLevel) {
		digest = newDigest(p.cfg.Shards)
	}
	end := p.pool.Publish(workers.Directive[*code]{
		Code: last, Stop: true,
		Arrive: func(h workers.Hand[*code], s workers.Span, tick uint64) {
			picture.take(h.(*hand), s)
			if digest != nil {
				h.(*hand).leaveAll(last.effective(), s, tick)
				digest.take(h.(*hand), s)
			}
			h.(*hand).end(last, s, tick)
		},
	})
	for ended := false; !ended; {
		select {
		case <-p.pool.ended:
			ended = true
		case r := <-p.crew.faults:
			p.lateFault(r)
		case f := <-p.engine.calls:
			f(p)
		}
	}
	for len(p.crew.faults) > 0 {
		p.lateFault(<-p.crew.faults)
	}
	p.sealState()
	if digest != nil {
		p.recordEnd(end.Activation(), digest.sum())
		p.log.Named("state").Debug("hash", zap.Uint64("tick", end.Activation()), zap.String("hash", digest.sum()))
	}
	p.lateness.settle()
	p.log.Named("server").Info("lateness", p.lateness.fields()...)
	<-p.shown
	if p.cfg.Ticks != 0 {
		p.log.Named("state").Info("final", zap.String("state", picture.line()), Text("%s", picture.line()))
	}
	p.close(last)
	close(last.closed)
}

// lateFault is a fault at the end of the run: there is nothing to roll back any more.
func (p *pipeline) lateFault(r faultReport) {
	r.code.identify(r.fault)
	close(r.code.decided)
	p.reportFault(r.fault, nil)
}
