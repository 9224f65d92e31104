package workers

import "time"

// Progress is how far one worker is.
type Progress struct {
	Span   Span
	Tick   uint64 // the tick it runs, or when Parked the one it has not begun
	Parked bool   // it waits, and is in no tick

	worker uint64 // never the same for two workers of a pool
	rests  uint64 // changes when it waits
}

// Progress returns how far each worker is. It disturbs no tick.
func (p *Pool[C]) Progress() []Progress {
	set := p.set()
	list := make([]Progress, len(set))
	for i, w := range set {
		// rests before and after: a tick that begins after a wait is not taken for the one before it.
		for {
			rests, tick := w.rests.Load(), w.part.Tick()
			if rests == w.rests.Load() {
				list[i] = Progress{Span: w.span, Tick: tick, Parked: rests%2 == 1, worker: w.number, rests: rests}
				break
			}
		}
	}
	return list
}

// Stuck is a worker that was not parked and at the same tick for so long at least.
type Stuck struct {
	Progress
	Age time.Duration
}

// Sampler finds out from successive samples of Progress how long each worker has been in its tick. No worker reads a
// clock for that: the age is the time since the first sample that found it there, so it is short by at most the time
// between two samples. The zero Sampler is ready. It is for one goroutine.
type Sampler struct {
	seen map[uint64]sighting
}

type sighting struct {
	progress Progress
	since    time.Time
}

// Sample takes a sample, made at now, and returns the workers that an earlier sample found in the tick that they are
// still in.
func (s *Sampler) Sample(now time.Time, sample []Progress) []Stuck {
	seen := make(map[uint64]sighting, len(sample))
	var stuck []Stuck
	for _, p := range sample {
		if p.Parked {
			continue
		}
		first, ok := s.seen[p.worker]
		if !ok || first.progress != p {
			first = sighting{p, now}
		} else {
			stuck = append(stuck, Stuck{p, now.Sub(first.since)})
		}
		seen[p.worker] = first
	}
	s.seen = seen
	return stuck
}
