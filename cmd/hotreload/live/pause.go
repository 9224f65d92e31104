package live

import (
	"slices"
	"time"

	"hotreload/engine"
	"hotreload/engine/control"
)

// pauses is what swaps cost, oldest first.
type pauses []swapPause

// swapPause is how much later than scheduled the first tick on new code began, for the worst worker. The host tells when it
// has closed the code before.
type swapPause struct {
	replaced uint64        // number of the generation before
	worst    time.Duration // -1: not known yet
}

// follow takes over an event.
func (p *pauses) follow(ev control.Event) {
	if ev.Generation == nil {
		return
	}
	number := ev.Generation.Number
	switch engine.Kind(ev.Kind) {
	case engine.Swapped, engine.RolledBack:
		*p = append(*p, swapPause{number - 1, -1})
		*p = (*p)[max(len(*p)-keptColumns, 0):]
	case engine.Reclaimed, engine.Pinned:
		i := slices.IndexFunc(*p, func(s swapPause) bool { return s.replaced == number })
		if took, ok := ev.Seconds["pause"]; ok && i >= 0 {
			(*p)[i].worst = seconds(took)
		}
	}
}

// newest returns the newest that is known.
func (p pauses) newest() (worst time.Duration, ok bool) {
	for _, s := range slices.Backward(p) {
		if s.worst >= 0 {
			return s.worst, true
		}
	}
	return 0, false
}
