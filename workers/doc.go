// Package workers runs a simulation on a pool of threads and lets what they run change under them.
//
// Problem. Many shards are to be ticked in parallel, at a fixed rate or as fast as possible, and at any moment the code
// that ticks them may be replaced. No worker may stop for that, all should change at the same tick, and whoever replaced
// the code must learn when the old one is no longer in use.
//
// Mechanism. Each worker owns a span of shards and a locked operating-system thread, and takes part in an epoch.Domain
// whose published values are directives: the code to run from the activation tick on, and something to do on arriving
// there. Everything that must happen at one tick on all shards is a directive: a swap, a look at the state, the end.
//
// Parts. pool.go is the pool, worker.go the loop of one worker, pace.go its schedule, span.go how shards are divided.
// The package knows nothing of libraries: a Hand, made by the caller on each worker's thread, runs the code.
package workers
