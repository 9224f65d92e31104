package epoch

import (
	"fmt"
	"strings"
	"time"
)

// Straggler is a participant that a grace period waits for.
type Straggler struct {
	ID     int
	Tick   uint64 // the tick it runs, or when Parked the one it has not begun
	Target uint64 // the tick it must reach
	Parked bool
	// Age is how long it has been at Tick at least: since Wait or Behind first found it there. No tick reads a clock for
	// this.
	Age time.Duration
}

// String says who is where, since when, and what is awaited.
func (s Straggler) String() string {
	state := "runs tick"
	if s.Parked {
		state = "is parked before tick"
	}
	return fmt.Sprintf("participant %d %s %d for at least %v, must reach %d",
		s.ID, state, s.Tick, s.Age.Round(time.Millisecond), s.Target)
}

// sighting is when a grace period first found a participant at a tick.
type sighting struct {
	tick  uint64
	since time.Time
}

// Behind returns the participants for which the grace period waits, none once it has ended.
func (gr *Grace[T]) Behind() []Straggler {
	gr.domain.mu.Lock()
	defer gr.domain.mu.Unlock()
	if gr.passed() {
		return nil
	}
	return gr.look(time.Now())
}

// look samples the slots; under Domain.mu.
func (gr *Grace[T]) look(now time.Time) []Straggler {
	if gr.sightings == nil {
		gr.sightings = make(map[*Participant[T]]sighting)
	}
	var behind []Straggler
	for _, p := range *gr.domain.participants.Load() {
		if gr.goal.reachedBy(p) {
			continue
		}
		s, target := p.word.Load(), gr.goal.target(p)
		tick := s &^ parked
		seen, ok := gr.sightings[p]
		if !ok || seen.tick != tick {
			seen = sighting{tick, now}
			gr.sightings[p] = seen
		}
		behind = append(behind, Straggler{
			ID: p.id, Tick: tick, Target: target, Parked: s&parked != 0, Age: now.Sub(seen.since),
		})
	}
	return behind
}

// StragglersError says that a grace period did not end in time.
type StragglersError struct {
	Epoch  uint64      // of the retired generation
	Behind []Straggler // when the wait was given up
	Cause  error
}

// Error implements error.
func (e *StragglersError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d is still in use: %v", e.Epoch, e.Cause)
	for _, s := range e.Behind {
		fmt.Fprintf(&b, "; %v", s)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *StragglersError) Unwrap() error { return e.Cause }
