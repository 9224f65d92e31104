package engine

import (
	"hotreload/engine/native"
	"hotreload/engine/state"
	"hotreload/workers"
)

// hand runs plugin code for one worker, on its thread. It is what workers know of libraries.
type hand struct {
	thread *native.Thread
	arena  *state.Arena
	dt     float64
}

func newHand(arena *state.Arena, dt float64) *hand {
	return &hand{thread: native.NewThread(), arena: arena, dt: dt}
}

// shard returns the address of a shard's state.
func (h *hand) shard(i int) uintptr { return h.arena.Base() + uintptr(i)*h.arena.Stride() }

// Tick implements workers.Hand: one crossing for all shards of the worker.
func (h *hand) Tick(c *code, s workers.Span, _ uint64) {
	if c.api.TickBatch != 0 {
		h.thread.TickBatch(c.library, c.api.TickBatch, h.shard(s.First), h.arena.Stride(), s.Count, h.dt)
		return
	}
	h.thread.Tick(c.library, c.api.Tick, h.shard(s.First), h.arena.Stride(), s.Count, h.dt)
}

// Switch implements workers.Hand: the hooks around a reload.
func (h *hand) Switch(from, to *code, s workers.Span, _ uint64) {
	h.each(from, from.api.BeforeReload, s)
	h.each(to, to.api.AfterReload, s)
}

// Close implements workers.Hand.
func (h *hand) Close() { h.thread.Close() }

// each calls an optional function on every shard of s.
func (h *hand) each(c *code, fn uintptr, s workers.Span) {
	if fn != 0 {
		h.thread.Each(c.library, fn, h.shard(s.First), h.arena.Stride(), s.Count)
	}
}

// begin gives life to the states of s: init, then seed with what derives from the engine's seed and the shard alone.
func (h *hand) begin(c *code, s workers.Span, seed uint64) {
	h.each(c, c.api.Init, s)
	if c.api.Seed == 0 {
		return
	}
	for i := s.First; i < s.First+s.Count; i++ {
		h.thread.Seed(c.library, c.api.Seed, h.shard(i), shardSeed(seed, i))
	}
}

// shardSeed is the i-th output of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
// OOPSLA 2014) started at seed.
func shardSeed(seed uint64, i int) uint64 {
	z := seed + (uint64(i)+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
