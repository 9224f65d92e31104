package strategy

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"hotreload/bench/internal/peer"
	"hotreload/bench/internal/plugin"
	"hotreload/engine/abi"
	"hotreload/engine/native"
	"hotreload/engine/state"
	"hotreload/epoch"
	"hotreload/workers"

	"golang.org/x/sync/errgroup"
)

const dt = 0.001

// catchup is so many ticks that no schedule is ever moved: a tick that is late is recorded against the time at which it
// was meant to be, and so are all that had to wait behind it.
const catchup = 1_000_000

// code is one library.
type code struct {
	library *native.Library // for ours: verified, prefaulted; else an empty one
	bare    *peer.Library   // for the others
	api     abi.API
}

// simulation is the pool and the state of one run.
type simulation struct {
	load  Load
	arena *state.Arena
	pool  *workers.Pool[*code]
	group errgroup.Group
	fault atomic.Pointer[native.Fault] // of the plugin; nothing is called after it
}

// newSimulation makes a simulation whose workers begin with first. hand makes a worker's hand around what is common.
func newSimulation(l Load, mode epoch.Mode, first *code, meter func(int) Meter, hand func(*base) workers.Hand[*code]) (*simulation, error) {
	arena, err := state.NewArena(first.api.StateSize, l.Shards)
	if err != nil {
		return nil, err
	}
	clear(arena.Bytes()) // touched once, so that no tick pays for the first use of a page
	s := &simulation{load: l, arena: arena}
	if err := s.begin(first); err != nil {
		return nil, errors.Join(err, arena.Close())
	}
	s.pool = workers.New(
		workers.Config{Workers: l.Workers, Shards: l.Shards, Period: l.Period, MaxCatchup: catchup, Mode: mode},
		workers.Directive[*code]{Code: first},
		func(span workers.Span) workers.Hand[*code] {
			return hand(&base{simulation: s, thread: native.NewThread(), meter: meter(span.Worker)})
		},
	)
	s.group.Go(s.pool.Run)
	return s, nil
}

// begin gives life to the states.
func (s *simulation) begin(c *code) error {
	thread := native.NewThread()
	defer thread.Release()
	fault := thread.Each(c.library, c.api.Init, s.arena.Base(), s.arena.Stride(), s.load.Shards)
	for i := 0; i < s.load.Shards && c.api.Seed != 0 && fault == nil; i++ {
		fault = thread.Seed(c.library, c.api.Seed, s.arena.Base()+uintptr(i)*s.arena.Stride(), uint64(i))
	}
	if fault != nil {
		return fmt.Errorf("the plugin faulted as it began: %w", fault)
	}
	return nil
}

// stop ends the workers and checks that every shard was ticked as often as its neighbours, and last by the code last.
func (s *simulation) stop(last *code) error {
	s.pool.Publish(workers.Directive[*code]{Code: last, Stop: true})
	err := s.group.Wait()
	switch fault := s.fault.Load(); {
	case fault != nil:
		err = fmt.Errorf("the plugin faulted, in a host that cannot roll back: %w", fault)
	case err == nil && s.load.Known:
		err = s.check()
	}
	return errors.Join(err, s.arena.Close())
}

// check looks for lost ticks. Workers end at one tick in aligned mode, else each at its own.
func (s *simulation) check() error {
	for w := range s.load.Workers {
		first, end := w*s.load.Shards/s.load.Workers, (w+1)*s.load.Shards/s.load.Workers
		want := plugin.StateOf(s.arena.Shard(first))
		for i := first + 1; i < end; i++ {
			if have := plugin.StateOf(s.arena.Shard(i)); *have != *want {
				return fmt.Errorf("shard %d is %+v, expected the same as shard %d: %+v", i, *have, first, *want)
			}
		}
	}
	return nil
}

// base is what all hands share; Switch does nothing.
type base struct {
	*simulation
	thread *native.Thread
	meter  Meter
}

// run runs one tick of c.
func (b *base) run(c *code, s workers.Span, tick uint64) {
	begin := time.Now()
	if b.fault.Load() == nil {
		if fault := b.call(c, s); fault != nil {
			b.fault.Store(fault)
		}
	}
	b.meter.Tick(tick, begin, time.Now())
}

func (b *base) call(c *code, s workers.Span) *native.Fault {
	at, stride := b.arena.Base()+uintptr(s.First)*b.arena.Stride(), b.arena.Stride()
	if c.api.TickBatch != 0 {
		return b.thread.TickBatch(c.library, c.api.TickBatch, at, stride, s.Count, dt)
	}
	return b.thread.Tick(c.library, c.api.Tick, at, stride, s.Count, dt)
}

// Switch implements workers.Hand.
func (*base) Switch(_, _ *code, _ workers.Span, _ uint64) {}

// Close implements workers.Hand.
func (b *base) Close() { b.thread.Close() }
