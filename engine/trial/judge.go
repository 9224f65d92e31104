package trial

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// judge turns the end of a trial into its report and verdict, and ends the child.
func (r *Runner) judge(c *child, end ending, candidate *Candidate) (Report, error) {
	a, err := decodeAnswer(end.message)
	switch {
	case end.message == nil || err != nil: // what is no answer came from the library
		return Report{}, r.died(c, end)
	case a.failure != nil:
		_, output := c.finish()
		return Report{}, &Verdict{
			Stage: a.failure.stage, Cause: a.failure.cause + a.failure.site.in(candidate), Hint: a.failure.hint,
			Output: lastLine(output),
		}
	case a.mismatch != nil:
		r.dismiss(c)
		return Report{}, a.mismatch
	}
	report := Report{Ticks: a.ticks, Shards: a.shards, Fresh: a.fresh, Warnings: a.warnings}
	r.dismiss(c)
	return report, nil
}

// died says why a child ended, or was ended, without an answer.
func (r *Runner) died(c *child, end ending) *Verdict {
	stage, turn, lost := c.ledger.read()
	state, output := c.finish()
	v := &Verdict{Stage: stage, Output: lastLine(output)}
	crash, before := findCrash(output)
	switch {
	case end.timedOut:
		v.Cause, v.Hint = fmt.Sprintf("timeout: did not return within %v", r.config.Timeout), "no function of a plugin may block"
		if turn > 0 {
			v.Cause = fmt.Sprintf("timeout: tick %d did not end within %v", turn, r.config.Timeout)
		}
	case lost:
		v.Cause = "the library closed descriptors of the process that are not its own"
		v.Hint = "close only what the plugin has opened"
	case state.ExitCode() == crashStatus && crash != "":
		v.Cause, v.Output = crash, lastLine(before)
	case state.Exited():
		v.Cause = fmt.Sprintf("the library ended the process: %v", state)
		v.Hint = "nothing can stop that in the host: record the error in the state and return"
	default:
		v.Cause, v.Hint = killedBy(state)
	}
	if stage == stages[0] {
		v.Cause += " before the library was loaded"
	}
	return v
}

// killedBy names the signal that ended a process.
func killedBy(state *os.ProcessState) (cause, hint string) {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return fmt.Sprintf("the process ended: %v", state), ""
	}
	switch s := status.Signal(); s {
	case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGABRT, syscall.SIGTRAP:
		return unix.SignalName(s), "not in a call of the host: perhaps on a thread that the library has started"
	default:
		return "the process was ended by " + unix.SignalName(s), ""
	}
}
