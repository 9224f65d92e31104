package trial

import "regexp"

// crashStatus is the exit status of a Go program that the runtime ends because of a signal.
const crashStatus = 2

// What the Go runtime prints when native code faults where no handler of ours looks: in a constructor or a destructor,
// or on a thread that the library has started.
var (
	crashHead    = regexp.MustCompile(`(?m)^(?:(SIG[A-Z0-9]+): |fatal error: unexpected signal|fatal: )`)
	crashSignal  = regexp.MustCompile(`\[signal (SIG[A-Z0-9]+)`)
	crashAddress = regexp.MustCompile(`\baddr=(0x[0-9a-f]+)`)
)

// findCrash looks for that text in a child's output and returns what it says, "" if it is not there, and what the
// library had printed before it.
func findCrash(output string) (cause, before string) {
	head := crashHead.FindStringSubmatchIndex(output)
	if head == nil {
		return "", output
	}
	before, text := output[:head[0]], output[head[0]:]
	signal := crashSignal.FindStringSubmatch(text)
	switch {
	case head[2] >= 0:
		cause = output[head[2]:head[3]]
	case signal != nil:
		cause = signal[1]
	default:
		return "", output
	}
	if addr := crashAddress.FindStringSubmatch(text); addr != nil && (cause == "SIGSEGV" || cause == "SIGBUS") {
		cause += " at address " + addr[1]
	}
	return cause, before
}
