package call

import (
	"fmt"
	"time"
	"unsafe"

	"hotreload/bench/internal/cgocall"
	"hotreload/bench/internal/cpu"
	"hotreload/bench/internal/peer"
	"hotreload/bench/internal/plugin"
	"hotreload/engine/native"
	"hotreload/engine/state"
)

const dt = 0.001

// way is one way to call tick.
type way struct {
	Way
	// turn calls tick for about the given time and returns what one tick cost, in nanoseconds.
	turn func(time.Duration) (float64, error)
}

// bench is what the direct ways share. It belongs to one goroutine, locked to its thread.
type bench struct {
	library *native.Library
	thread  *native.Thread
	arena   *state.Arena
	tick    uintptr
	loop    uintptr
}

func openBench(path string) (*bench, error) {
	library, err := native.Open(path)
	if err != nil {
		return nil, err
	}
	library.Prefault()
	b := &bench{library: library}
	for name, at := range map[string]*uintptr{plugin.Tick: &b.tick, plugin.Loop: &b.loop} {
		if *at, err = library.Symbol(name); err != nil {
			return nil, err
		}
	}
	if b.arena, err = state.NewArena(plugin.StateSize, batchShards); err != nil {
		return nil, err
	}
	b.thread = native.NewThread()
	return b, nil
}

func (b *bench) close() error {
	b.thread.Release()
	if err := b.arena.Close(); err != nil {
		return err
	}
	pinned, err := b.library.Close()
	if err == nil && pinned {
		err = fmt.Errorf("%s stays mapped", b.library.Path())
	}
	return err
}

// ways returns the ways that call on the spot.
func (b *bench) ways() []way {
	base, stride := b.arena.Base(), b.arena.Stride()
	state := unsafe.Pointer(&b.arena.Shard(0)[0])
	function := *(*unsafe.Pointer)(unsafe.Pointer(&b.tick)) // the address of native code
	registered := peer.Func(b.tick)
	ways := []way{
		{Way{CLoop, 1}, b.cLoop(1)},
		{Way{CLoop, batchShards}, b.cLoop(batchShards)},
		{Way{Native, 1}, each(1, func() { must(b.thread.Tick(b.library, b.tick, base, stride, 1, dt)) })},
		{Way{Native, batchShards}, each(batchShards, func() {
			must(b.thread.Tick(b.library, b.tick, base, stride, batchShards, dt))
		})},
		{Way{RegisterFunc, 1}, each(1, func() { registered(base, dt) })},
	}
	if cgocall.Available {
		ways = append(ways,
			way{Way{Cgo, 1}, each(1, func() { cgocall.Tick(b.tick, base, dt) })},
			way{Way{Cgo, batchShards}, each(batchShards, func() {
				for at := base; at < base+batchShards*stride; at += stride {
					cgocall.Tick(b.tick, at, dt)
				}
			})},
			way{Way{CgoPointer, 1}, each(1, func() { cgocall.TickPointer(function, state, dt) })},
		)
	}
	return ways
}

// must panics when a call has faulted: the plugin is ours and does not.
func must(fault *native.Fault) {
	if fault != nil {
		panic(fmt.Sprintf("call: the plugin of the benchmarks faulted: %v", fault))
	}
}

// cLoop is C calling tick by pointer, entered once a turn.
func (b *bench) cLoop(shards int) func(time.Duration) (float64, error) {
	run := func(rounds float64) time.Duration {
		start := cpu.Thread()
		must(b.thread.TickBatch(b.library, b.loop, b.arena.Base(), b.arena.Stride(), shards, rounds))
		return cpu.Thread() - start
	}
	rounds := 1.0
	return func(d time.Duration) (float64, error) {
		took := run(rounds)
		for ; took < d/2; took = run(rounds) {
			rounds *= 2
		}
		return float64(took.Nanoseconds()) / (rounds * float64(shards)), nil
	}
}

// each times f, which ticks so many shards, in processor time of its thread.
func each(shards int, f func()) func(time.Duration) (float64, error) {
	return timed(Processor, shards, f)
}

// Processor is the processor time of the calling thread.
func Processor() time.Duration { return cpu.Thread() }

// Wall is the time that passes.
func Wall() time.Duration { return time.Since(began) }

var began = time.Now()

// timed times f by clock, looking at it seldom enough for it not to count.
func timed(clock func() time.Duration, shards int, f func()) func(time.Duration) (float64, error) {
	calls := 1
	run := func() time.Duration {
		start := clock()
		for range calls {
			f()
		}
		return clock() - start
	}
	return func(d time.Duration) (float64, error) {
		took := run()
		for ; took < d/2; took = run() {
			calls *= 2
		}
		return float64(took.Nanoseconds()) / float64(calls*shards), nil
	}
}
