package trial

import (
	"fmt"
	"strings"
)

// Stage is a part of a trial, named after what the library was doing.
type Stage string

// The stages, in order. A trial on copies of live shards has AfterReload in place of Init and Seed, and no Shutdown; one
// with a migration has all but Shutdown.
const (
	StageLoad        Stage = "load"          // the loader refused it
	StageConstructor Stage = "constructor"   // dlopen, which runs the constructors
	StageGetAPI      Stage = "logic_get_api" // the entry function
	StageGuard       Stage = "guard"         // reading and checking the API
	StageInit        Stage = "init"
	StageSeed        Stage = "seed"
	StageMigrate     Stage = "migrate"
	StageAfterReload Stage = "after_reload"
	StageTick        Stage = "tick"
	StageTickBatch   Stage = "tick_batch"
	StageShutdown    Stage = "shutdown"
	StageEffects     Stage = "effects"    // what it did to the process
	StageDestructor  Stage = "destructor" // dlclose, which runs the destructors
)

// stages numbers them for the ledger; 0 is before the first.
var stages = []Stage{
	"start", StageLoad, StageConstructor, StageGetAPI, StageGuard, StageInit, StageSeed, StageMigrate, StageAfterReload,
	StageTick, StageTickBatch, StageShutdown, StageEffects, StageDestructor,
}

// Verdict is the error about a candidate that failed its trial. A refusal by the guard is an *abi.Mismatch instead.
type Verdict struct {
	// Stage is what the library was doing.
	Stage Stage
	// Cause is what happened: a signal and its place, an exit status, the time limit.
	Cause string
	// Output is the last line that the library printed; may be empty.
	Output string
	// Hint is what the author can do; may be empty.
	Hint string
}

// Error says all of it in one line.
func (v *Verdict) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "trial: %s: %s", v.Stage, v.Cause)
	if v.Output != "" {
		fmt.Fprintf(&b, "; last output: %q", v.Output)
	}
	if v.Hint != "" {
		fmt.Fprintf(&b, " (%s)", v.Hint)
	}
	return b.String()
}

// UnavailableError says that a trial could not be made. It tells nothing about the candidate.
type UnavailableError struct {
	Doing string // what was being done
	Err   error
}

// Error implements error.
func (e *UnavailableError) Error() string { return fmt.Sprintf("no trial: %s: %v", e.Doing, e.Err) }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }
