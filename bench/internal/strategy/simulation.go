package strategy

import (
	"errors"
	"fmt"
	"time"

	"hotreload/bench/internal/peer"
	"hotreload/bench/internal/plugin"
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

// code is the tick of one library.
type code struct {
	library *native.Library // for ours: verified, prefaulted; else an empty one
	bare    *peer.Library   // for the others
	tick    uintptr
}

// simulation is the pool and the state of one run.
type simulation struct {
	load  Load
	arena *state.Arena
	pool  *workers.Pool[*code]
	group errgroup.Group
}

// newSimulation makes a simulation whose workers begin with first. hand makes a worker's hand around what is common.
func newSimulation(l Load, mode epoch.Mode, first *code, meter func(int) Meter, hand func(*base) workers.Hand[*code]) (*simulation, error) {
	arena, err := state.NewArena(plugin.StateSize, l.Shards)
	if err != nil {
		return nil, err
	}
	clear(arena.Bytes()) // touched once, so that no tick pays for the first use of a page
	s := &simulation{load: l, arena: arena}
	s.pool = workers.New(
		workers.Config{Workers: l.Workers, Shards: l.Shards, Period: l.Period, MaxCatchup: catchup, Mode: mode},
		workers.Directive[*code]{Code: first},
		func(span workers.Span) workers.Hand[*code] {
			return hand(&base{thread: native.NewThread(), arena: arena, meter: meter(span.Worker)})
		},
	)
	s.group.Go(s.pool.Run)
	return s, nil
}

// stop ends the workers and checks that every shard was ticked as often as its neighbours, and last by the code last.
func (s *simulation) stop(last *code) error {
	s.pool.Publish(workers.Directive[*code]{Code: last, Stop: true})
	err := s.group.Wait()
	if err == nil {
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
	thread *native.Thread
	arena  *state.Arena
	meter  Meter
}

// run runs one tick of c.
func (b *base) run(c *code, s workers.Span, tick uint64) {
	begin := time.Now()
	fault := b.thread.Tick(c.library, c.tick, b.arena.Base()+uintptr(s.First)*b.arena.Stride(), b.arena.Stride(), s.Count, dt)
	b.meter.Tick(tick, begin, time.Now())
	if fault != nil {
		panic(fmt.Sprintf("strategy: the plugin of the benchmarks faulted: %v", fault)) // it is ours and does not
	}
}

// Switch implements workers.Hand.
func (*base) Switch(_, _ *code, _ workers.Span, _ uint64) {}

// Close implements workers.Hand.
func (b *base) Close() { b.thread.Close() }

// loadBare loads a library as strategies do that are not ours.
func loadBare(path string) (*code, error) {
	bare, err := peer.Load(path, plugin.Tick)
	if err != nil {
		return nil, err
	}
	return &code{library: &native.Library{}, bare: bare, tick: bare.Tick()}, nil
}

// replaceBare drops a library and loads the next.
func replaceBare(old *code, path string) (*code, error) {
	if err := old.bare.Close(); err != nil {
		return nil, err
	}
	return loadBare(path)
}
