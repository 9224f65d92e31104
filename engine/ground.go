package engine

import "hotreload/engine/state"

// ground is where the state lies: an arena. Generations share it as long as they mean the same by its bytes. A migration
// makes another, and keeps this one with the bytes of that moment for as long as a rollback may lead back to it.
type ground struct {
	arena *state.Arena
	file  *state.File // that the arena is in; nil when it ends with the process

	// Where the state came from; the pipeline's own.
	former *ground           // nil: from nowhere, or no artifact is kept that runs there
	back   *state.Conversion // what the state here is there; nil: nothing, only the bytes that former holds can come back
	since  uint64            // the tick at which the state came, in immediate mode of the last shard

	// marks tells by shard what it was on former when it was left. Written by the workers in the migration.
	marks []mark
}

// wayBack returns the grounds over which the state gets from g back to another one, both of them included: nil when it
// did not come from there.
func (g *ground) wayBack(to *ground) (way []*ground) {
	for ; g != nil; g = g.former {
		if way = append(way, g); g == to {
			return way
		}
	}
	return nil
}

// close gives back the memory. Nobody may be there any more.
func (g *ground) close() {
	if g.file != nil {
		_ = g.file.Close()
		return
	}
	_ = g.arena.Close()
}
