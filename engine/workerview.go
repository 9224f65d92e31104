package engine

import "time"

// WorkerStatus is a picture of one worker.
type WorkerStatus struct {
	Worker     int
	First      int           // of its shards
	Count      int           // of its shards
	Tick       uint64        // the one it runs, or when Parked the next
	Parked     bool          // it is between two ticks and waits
	Generation uint64        // what it runs; in immediate mode the newest
	Stuck      time.Duration // how long it has been in this tick, once that is more than Config.TickDeadline; else 0
	Timing     Timing        // of its ticks, but for the last two seconds or so
}

// Workers returns a picture of each worker, none before the first generation runs. It disturbs no tick.
func (e *Engine) Workers() []WorkerStatus {
	_, timings := e.timing()
	byWorker := make(map[int]Timing, len(timings))
	for _, t := range timings {
		byWorker[t.Worker] = t
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pool == nil || !e.status.Running {
		return nil
	}
	var list []WorkerStatus
	for _, p := range e.pool.Progress() {
		w := WorkerStatus{
			Worker: p.Span.Worker, First: p.Span.First, Count: p.Span.Count, Tick: p.Tick, Parked: p.Parked,
			Generation: e.status.runs(p.Tick), Timing: byWorker[p.Span.Worker],
		}
		if since, late := e.overdue[w.Worker]; late {
			w.Stuck = time.Since(since)
		}
		list = append(list, w)
	}
	return list
}

// Timing returns how well all workers together have kept to their schedule, those of the past included.
func (e *Engine) Timing() Timing {
	all, _ := e.timing()
	return all
}

// timing summarises outside of e.mu: it takes a while, for which the pipeline does not wait.
func (e *Engine) timing() (all Timing, each []Timing) {
	e.mu.Lock()
	l := e.lateness
	e.mu.Unlock()
	if l == nil {
		return Timing{Worker: -1}, nil
	}
	return l.summary()
}

// runs returns the number of the generation that runs a tick.
func (s *Status) runs(tick uint64) (number uint64) {
	for _, g := range s.Generations {
		if g.Activation <= tick {
			number = g.Number
		}
	}
	return number
}
