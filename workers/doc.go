// Package workers runs a simulation on a pool of threads and lets what they run change under them.
//
// # Problem
//
// Many shards are to be ticked in parallel, at a fixed rate or as fast as possible, and at any moment the code that
// ticks them may be replaced, or the number of threads changed. No worker may stop for that, all should change at the
// same tick, no tick of any shard may be lost or run twice, and whoever replaced the code must learn when the old one is
// no longer in use.
//
// # Mechanism
//
// Each worker owns a span of shards and a locked operating-system thread, and takes part in an epoch.Domain whose
// published values are directives: the code to run from the activation tick on, and something to do on arriving there.
// Everything that must happen at one tick on all shards is a directive: a swap, a look at the state, a change of the
// number of workers, the end. Directives form a chain in the order of their publication, and a worker walks it link by
// link, so that each shard meets every directive exactly once and in order, also those that were published before the
// worker began, or while its shards changed hands.
//
// A worker is always in one of three states: in a tick; between two ticks; or parked, which it is whenever it waits, for
// its next tick to be due, for slower workers, for a directive, or for its turn on a processor. A parked worker meets
// directives as soon as they are published, except light ones shortly before its tick. Publishing never waits for a worker.
//
// # Time
//
// Tick t is due at base + t*period, counted from the first: an absolute time, so errors do not add up. A late worker runs
// what it missed without waiting, within bounds, beyond which the schedule is re-based; no tick number is left out or
// repeated. Go's timers wake up to a millisecond late, so the last stretch of each wait is a futex of the worker's own
// thread where there are processors to spare. A worker that finds no time to wait parks and yields from time to time,
// without which everybody who needs all workers to pass a tick waits for 10 ms slices of the Go scheduler.
//
// # Parts
//
//   - Pool: New, Run, Publish, Replace, Visit, Retire (pool.go); the chain of directives (step.go)
//   - the loop of one worker (worker.go), what it waits for (rest.go), how it sleeps and is woken (bell.go)
//   - its schedule (pace.go), how shards are divided (span.go)
//   - Resize, by which one set of workers hands its shards to another (resize.go)
//   - Progress and Sampler, which find a worker that is stuck (progress.go)
//
// The package knows nothing of libraries: a Hand, made by the caller on each worker's thread, runs the code.
package workers
