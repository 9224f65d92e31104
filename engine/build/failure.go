package build

import (
	"fmt"
	"syscall"
	"time"
)

// Failure is the error of a build that ran, or tried to, and left no library to use.
type Failure struct {
	// Command is the build command.
	Command string
	// ExitCode is the shell's exit status; -1 if the shell did not start or was killed by a signal.
	ExitCode int
	// Signal is the signal that killed the shell; 0 if none did.
	Signal syscall.Signal
	// TimedOut says that the build was stopped because it took longer than Config.Timeout.
	TimedOut bool
	// Diagnostic is the message worth showing; it is never zero.
	Diagnostic Diagnostic
	// Output is what the command printed, bounded as Result.Output is.
	Output string
	// Duration is how long the build took.
	Duration time.Duration
	// Hint says what the user can do; empty if nothing beyond the diagnostic is known.
	Hint string
}

// Error returns the diagnostic in its short form, such as "error: expected ';' before '}' token".
func (f *Failure) Error() string { return f.Diagnostic.String() }

// ending describes how the shell ended, for a build that printed nothing to show instead.
func (f *Failure) ending(timeout time.Duration) string {
	switch {
	case f.TimedOut:
		return fmt.Sprintf("timed out after %v", timeout)
	case f.Signal != 0:
		return fmt.Sprintf("killed by signal %d (%v)", int(f.Signal), f.Signal)
	default:
		return fmt.Sprintf("exit status %d", f.ExitCode)
	}
}
