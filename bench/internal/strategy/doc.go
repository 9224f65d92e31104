// Package strategy swaps the code under a running simulation in the ways that hosts do it, so that they can be compared.
//
// Problem. What a swap costs those that tick is a matter of how it is done, and a comparison is worth something only if
// all else is the same: threads, pacing, shards, plugin.
//
// Mechanism. All strategies run on the same pool of workers and call through the same native.Thread. What differs is the
// hand that a worker ticks with, and who changes its code, when: the pool's own publication, a lock around each tick, a
// gate at which all workers are held, or the worker itself. Those that are not ours load and drop libraries with the bare
// calls of the loader, as their users would, not with our checks around them.
//
// Parts. simulation.go is what all share, ours.go publication, locks.go the two with a lock, gate.go pausing, inline.go
// swapping on the calling thread.
package strategy
