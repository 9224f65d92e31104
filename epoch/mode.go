package epoch

import "fmt"

// Mode is how a publication reaches the participants.
type Mode uint8

const (
	// Aligned gives each publication one activation tick, later than every tick that may run already: all participants
	// change at that tick and none waits.
	Aligned Mode = iota
	// Immediate lets each participant change at its own next tick.
	Immediate
)

// String returns the mode's name.
func (m Mode) String() string {
	switch m {
	case Aligned:
		return "aligned"
	case Immediate:
		return "immediate"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// ParseMode is the inverse of String.
func ParseMode(s string) (Mode, error) {
	for _, m := range []Mode{Aligned, Immediate} {
		if s == m.String() {
			return m, nil
		}
	}
	return 0, fmt.Errorf("unknown mode %q: expected aligned or immediate", s)
}
