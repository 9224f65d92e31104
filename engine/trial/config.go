package trial

import (
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Mode says how far a trial goes.
type Mode string

// The modes.
const (
	Off  Mode = "off"  // no trial
	Load Mode = "load" // constructors, logic_get_api and the guard
	Tick Mode = "tick" // and ticks
)

const (
	defaultTicks   = 3
	maxTicks       = 10_000
	defaultTimeout = 2 * time.Second
	maxTimeout     = time.Hour
)

// Config says how a Runner tries candidates. The zero value of a field means its default.
type Config struct {
	// Mode is how far a trial goes. Default Tick.
	Mode Mode
	// Ticks is the number of ticks that each shard is given, at most 10,000. Default 3.
	Ticks int
	// Timeout bounds a trial in wall-clock time, at most an hour. Default 2 s.
	Timeout time.Duration
	// Logger is told when no spare child can be started. Default: nobody.
	Logger *zap.Logger
}

// complete fills in the defaults and checks the rest.
func (c *Config) complete() error {
	switch c.Mode {
	case "":
		c.Mode = Tick
	case Off, Load, Tick:
	default:
		return fmt.Errorf("trial mode: expected %s, %s or %s, got %q", Off, Load, Tick, c.Mode)
	}
	switch {
	case c.Ticks == 0:
		c.Ticks = defaultTicks
	case c.Ticks < 0 || c.Ticks > maxTicks:
		return fmt.Errorf("trial ticks: expected 1 to %d, got %d", maxTicks, c.Ticks)
	}
	switch {
	case c.Timeout == 0:
		c.Timeout = defaultTimeout
	case c.Timeout < time.Millisecond || c.Timeout > maxTimeout:
		return fmt.Errorf("trial timeout: expected %v to %v, got %v", time.Millisecond, maxTimeout, c.Timeout)
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	return nil
}
