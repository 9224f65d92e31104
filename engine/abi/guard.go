package abi

import "fmt"

// MaxStateSize bounds the state of one shard: 1 GiB.
const MaxStateSize = 1 << 30

// Expectation is what the host demands of a candidate beyond the rules that hold for every plugin.
type Expectation struct {
	StateSize uint64 // of the running state; 0 accepts any
}

// Guard checks a candidate's API against the rules: equal version, any revision, a sane and expected state size, the
// required functions present, and every function inside the library's own executable memory. The error is a *Mismatch
// and names the first rule that is broken.
func Guard(m Memory, api API, want Expectation) error {
	if api.Version != Version {
		return &Mismatch{Field: "api_version", Expected: fmt.Sprint(Version), Actual: fmt.Sprint(api.Version)}
	}
	switch size := api.StateSize; {
	case size == 0 || size > MaxStateSize:
		return &Mismatch{Field: "state_size", Expected: fmt.Sprintf("1 to %d bytes", MaxStateSize), Actual: fmt.Sprint(size)}
	case want.StateSize != 0 && size != want.StateSize:
		return &Mismatch{
			Field: "state_size", Expected: fmt.Sprint(want.StateSize), Actual: fmt.Sprint(size),
			Hint: "the layout of the state has changed; restart to begin with a new state",
		}
	}
	for _, f := range []struct {
		name     string
		addr     uintptr
		required bool
	}{
		{"init", api.Init, true},
		{"tick", api.Tick, true},
		{"shutdown", api.Shutdown, true},
		{"seed", api.Seed, false},
		{"tick_batch", api.TickBatch, false},
		{"before_reload", api.BeforeReload, false},
		{"after_reload", api.AfterReload, false},
		{"migrate", api.Migrate, false},
	} {
		switch {
		case f.addr == 0 && f.required:
			return &Mismatch{Field: f.name, Expected: "a function", Actual: "NULL"}
		case f.addr != 0 && !m.Text(f.addr):
			return &Mismatch{Field: f.name, Expected: "a function inside the library", Actual: fmt.Sprintf("%#x", f.addr)}
		}
	}
	return nil
}
