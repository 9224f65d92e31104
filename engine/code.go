package engine

import (
	"sync/atomic"

	"hotreload/engine/abi"
	"hotreload/engine/artifact"
	"hotreload/engine/native"
	"hotreload/engine/state"
)

// code is one generation's code: a loaded library with its checked API. Apart from its verdict it is immutable once
// published.
type code struct {
	generation Generation
	artifact   *artifact.Artifact
	library    *library
	api        abi.API
	layout     *state.Layout
	ground     *ground       // where its state lies
	shown      []state.Field // the fields of the [state] line

	// fallback is the code that ran before, whose library stays open for the first ticks of this one; nil without any.
	fallback *code
	// migration brings the state here from where it lay before; nil when it comes to where the state lies.
	migration *migration
	// relieves says that it was opened to take the place of the code before, which faulted.
	relieves bool
	// next is the generation that was published after this one; the pipeline's own.
	next *code

	// The verdict on code that faulted. Stored by whoever sees the fault first, read by every worker at every tick.
	condemned atomic.Bool
	// stand runs in place of condemned code until a rollback is published; nil when there is nothing to roll back to.
	stand atomic.Pointer[code]
	// instead goes on in c's place because the migration to c has failed. Stored before condemned.
	instead atomic.Pointer[code]
	// pause is how much later than it was due the first tick on c began, in nanoseconds, for the worker that was worst.
	pause atomic.Int64
	// decided is closed when the pipeline has settled what stand is.
	decided chan struct{}
	// closed is closed when this generation has let go of its library.
	closed chan struct{}
}

// library is an open library and the number of generations that run on it: a rollback runs on the one that is open.
type library struct {
	*native.Library
	number      uint64 // in the order of opening
	generations atomic.Int32
	poisoned    atomic.Bool // it faulted inside libc or aborted: no function of it may be called again
}

// effective returns what runs where c was published: c, unless the migration to it failed. What went on then had been
// published, so it has none in its place.
func (c *code) effective() *code {
	if instead := c.instead.Load(); instead != nil {
		return instead
	}
	return c
}

// standby returns the code that can take the place of c at once, as long as it is on probation; nil when what came before
// has its state elsewhere or has faulted itself.
func (c *code) standby() *code {
	if f := c.fallback; f != nil && f.ground == c.ground && !f.condemned.Load() {
		return f
	}
	return nil
}

// standIn returns what runs in place of c, which is condemned: nil when there is nothing, and when what there is has its
// state elsewhere, where the shards come at its activation tick.
func (c *code) standIn() *code {
	if stand := c.stand.Load(); stand != nil && stand.ground == c.ground {
		return stand
	}
	return nil
}

// condemn records that c has faulted and returns the code that takes its place from now on, if there is any. first
// tells whether this was the first fault of c.
func (c *code) condemn(stand *code, poisoned bool) (first bool) {
	if poisoned {
		c.library.poisoned.Store(true)
	}
	if stand != nil {
		c.stand.CompareAndSwap(nil, stand)
	}
	return c.condemned.CompareAndSwap(false, true)
}
