package engine

import "hotreload/workers"

// This file is how the state of a shard begins, comes to life again and ends, and how hooks are called.

// begin gives life to the states of s. Those of an earlier run meet the code as after a reload, and run what they have
// missed of the ticks before tick.
func (h *hand) begin(c *code, s workers.Span, tick uint64) {
	if h.inherited {
		h.hook(c, "after_reload", c.api.AfterReload, s, tick, nil)
	}
	h.free(c, s, tick, false)
	if h.inherited {
		h.catchUp(c, s, tick)
	}
}

// completed notes in the undo log that the shards of s have completed so many ticks. Ticks pass those by that are held,
// unless a rollback is on its way on which they make up for them.
func (h *hand) completed(c *code, s workers.Span, ticks uint64) {
	if h.idle == 0 || c.effective().stand.Load() == nil {
		h.undo.Complete(s.First, s.First+s.Count, ticks)
		return
	}
	for i := s.First; i < s.First+s.Count; i++ {
		if h.marks[i] == held {
			h.undo.Settle(i)
		} else {
			h.undo.Complete(i, i+1, ticks)
		}
	}
}

// catchUp runs the ticks before tick that shards of s have not completed.
func (h *hand) catchUp(c *code, s workers.Span, tick uint64) {
	end := s.First + s.Count
	for from := s.First; from < end; {
		ticks, to := h.undo.Ticks(from), from+1
		for to < end && h.undo.Ticks(to) == ticks {
			to++
		}
		for ; ticks < tick; ticks++ {
			h.Tick(c, workers.Span{Worker: s.Worker, First: from, Count: to - from}, ticks)
		}
		from = to
	}
}

// free makes every shard of s live again under c, with init for those that have not had it. With makeUp, when c has come
// because of the fault, those that were held run the ticks that they have missed since.
func (h *hand) free(c *code, s workers.Span, tick uint64, makeUp bool) {
	for i := s.First; i < s.First+s.Count; i++ {
		was := h.marks[i]
		h.mark(i, live)
		switch {
		case was == unborn:
			h.bear(c, i, tick)
		case was == held && makeUp:
			for due := h.due[i]; due < tick && h.marks[i] == live; due++ {
				h.Tick(c, workers.Span{Worker: s.Worker, First: i, Count: 1}, due)
			}
		}
	}
}

// bear runs init and seed on one shard. What its seed is depends on the engine's seed and the shard alone.
func (h *hand) bear(c *code, shard int, tick uint64) {
	function, fault := "init", h.thread.Each(c.library.Library, c.api.Init, h.address(shard), 0, 1)
	if fault == nil && c.api.Seed != 0 {
		function, fault = "seed", h.thread.Seed(c.library.Library, c.api.Seed, h.address(shard), shardSeed(h.seed, shard))
	}
	if fault != nil {
		clear(h.arena.Shard(shard))
		h.mark(shard, unborn)
		h.tell(c, function, fault, shard, shard+1, tick, nil)
		return
	}
	if h.undo != nil {
		h.undo.Settle(shard)
	}
}

// end calls shutdown on every shard. In a state file the state lives on: it is kept as it was before.
func (h *hand) end(c *code, s workers.Span, tick uint64) {
	if h.stand != nil {
		c = h.stand
	}
	if h.undo == nil {
		h.hook(c, "shutdown", c.api.Shutdown, s, tick, nil)
		return
	}
	for i := s.First; i < s.First+s.Count; i++ {
		if h.undo.Open(i) {
			h.hook(c, "shutdown", c.api.Shutdown, workers.Span{Worker: s.Worker, First: i, Count: 1}, tick, nil)
			h.restore(i, i+1)
			h.undo.Settle(i)
		}
	}
}

// hook calls a function on every shard that has a state, if there is the function. A shard on which it faults gets back
// its bytes from before, and the code is condemned, with stand to take its place.
func (h *hand) hook(c *code, name string, fn uintptr, s workers.Span, tick uint64, stand *code) {
	if fn == 0 {
		return
	}
	before := make([]byte, h.arena.StateSize())
	for i := s.First; i < s.First+s.Count && !c.library.poisoned.Load(); i++ {
		if h.marks[i] == unborn {
			continue
		}
		copy(before, h.arena.Shard(i))
		opened := h.undo != nil && h.undo.Open(i) // not in the middle of a tick: then it is open
		if fault := h.thread.Each(c.library.Library, fn, h.address(i), 0, 1); fault != nil {
			copy(h.arena.Shard(i), before)
			h.tell(c, name, fault, i, i+1, tick, stand)
		}
		if opened {
			h.undo.Settle(i)
		}
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
