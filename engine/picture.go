package engine

import (
	"sync/atomic"

	"hotreload/engine/state"
	"hotreload/workers"
)

// Bounds of a picture: it is taken between two ticks and must not be felt.
const (
	pictureShards = 64
	pictureBytes  = 64 << 10
)

// picture is a copy of what the [state] line shows, taken by the workers themselves as they arrive at a directive: of
// the first shards, and of each as many bytes as the shown fields need.
type picture struct {
	code   *code
	shards [][]byte
	left   atomic.Int64  // shards whose worker has not taken its part
	taken  chan struct{} // closed by the last one
}

func newPicture(c *code, shards int) *picture {
	size := uint64(0)
	for _, f := range c.shown {
		size = max(size, f.Offset+f.Size)
	}
	p := &picture{code: c, shards: make([][]byte, min(shards, pictureShards)), taken: make(chan struct{})}
	for i := range p.shards {
		p.shards[i] = make([]byte, min(size, pictureBytes))
	}
	p.left.Store(int64(shards))
	return p
}

// take copies the part of one worker, on its thread.
func (p *picture) take(h *hand, s workers.Span) {
	for i := s.First; i < min(s.First+s.Count, len(p.shards)); i++ {
		copy(p.shards[i], h.arena.Shard(i))
	}
	if p.left.Add(-int64(s.Count)) == 0 {
		close(p.taken)
	}
}

// line renders the picture; the caller has seen taken closed.
func (p *picture) line() string { return state.Line(p.code.shown, p.shards...) }
