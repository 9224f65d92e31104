package engine

import "time"

// arrival is one worker's coming to new code, on its thread.
type arrival struct {
	to       *code     // nil: none
	from, at time.Time // when the worker began with what precedes the first tick, hooks and a migration, and had done it
}

// unscheduled is the lateness of ticks that have no schedule.
const unscheduled = time.Duration(-1)

// arrived notes that a worker has come to new code. It has been on the way from there on.
func (l *lateness) arrived(worker int, to *code, from time.Time) {
	if l == nil {
		return // a replay
	}
	m := (*l.meters.Load())[worker]
	if m.coming.to == to { // with other shards, a moment ago
		from = m.coming.from
	}
	m.coming = arrival{to, from, time.Now()}
}

// arrive ends the worker's coming with the first tick on the new code, which has just run and took so long: for how much
// of it the worker prepared is part of that, unless it was done while there was time.
func (m *meter) arrive(took time.Duration) {
	a := m.coming
	m.coming = arrival{}
	pause := a.at.Sub(a.from)
	if m.late != unscheduled {
		due := time.Now().Add(-took) // when the tick was found to be due
		pause = m.late + max(a.at.Sub(due), 0)
	}
	for {
		worst := a.to.pause.Load()
		if int64(pause) <= worst || a.to.pause.CompareAndSwap(worst, int64(pause)) {
			return
		}
	}
}
