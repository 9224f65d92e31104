package engine

import (
	"fmt"

	"hotreload/engine/native"
)

// FaultError is a fault of plugin code that was contained: it raised a signal, or did not return and was cancelled.
type FaultError struct {
	Generation uint64
	Function   string // of logic_api_t: "tick"
	Where      string // the plugin's function and offset, with file and line where known
	Worker     int
	Shard      int // -1: somewhere in a whole batch of shards
	Tick       uint64
	Fault      *native.Fault
}

// Error implements error.
func (e *FaultError) Error() string {
	s := fmt.Sprintf("%s in %s at %s", e.Fault, e.Function, e.Where)
	if e.Shard >= 0 {
		s += fmt.Sprintf(", shard %d", e.Shard)
	}
	return s + fmt.Sprintf(", tick %d", e.Tick)
}

// Unwrap returns the fault.
func (e *FaultError) Unwrap() error { return e.Fault }

// BadArtifactError refuses a library that has faulted before: it is not tried again until its bytes change.
type BadArtifactError struct{ Reason error }

// Error implements error.
func (e *BadArtifactError) Error() string {
	return fmt.Sprintf("this very library has failed before (%v): change it", e.Reason)
}

// Unwrap returns the reason.
func (e *BadArtifactError) Unwrap() error { return e.Reason }

// identify fills in what a worker does not know of a fault of c: a stand-in gets its number after it has become one. A
// fault that was identified before, and may have been handed out since, stays untouched.
func (c *code) identify(e *FaultError) {
	number, where := c.generation.Number, c.library.Locate(e.Fault.PC)
	if e.Generation != number || e.Where != where {
		e.Generation, e.Where = number, where
	}
}

// faultReport is the first fault of some code, on its way from a worker to the pipeline, which identifies it.
type faultReport struct {
	code  *code
	fault *FaultError
}
