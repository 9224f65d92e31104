package native

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Fault is a call of native code that did not return: it raised a signal, or was cancelled. The thread goes on; what
// the call has written so far stays written.
type Fault struct {
	Signal unix.Signal // CancelSignal when it was cancelled
	Code   int32       // si_code
	Addr   uintptr     // the address that was accessed, for SIGSEGV and SIGBUS
	PC     uintptr     // the instruction
	Index  int         // the call within the batch
	// Poisoned: the fault happened outside the library's own text, or was an abort, so that a lock or the heap of libc
	// may be left in the middle of a change. No code of the library may run in this process again.
	Poisoned bool
}

// Error implements error.
func (f *Fault) Error() string {
	if f.Signal == CancelSignal {
		return "did not return and was cancelled"
	}
	name := unix.SignalName(f.Signal)
	if f.Signal == unix.SIGSEGV || f.Signal == unix.SIGBUS {
		return fmt.Sprintf("%s at address %#x", name, f.Addr)
	}
	return name
}

// fault reads what the handler left in r. clean is the library's text.
func (r *record) fault() *Fault {
	f := &Fault{
		Signal: unix.Signal(r.signo), Code: int32(r.code), Addr: r.addr, PC: r.pc, Index: int(r.index),
	}
	inside := r.low <= r.pc && r.pc < r.high
	jumped := r.pc == r.addr // a call through a wild pointer: nothing but the plugin was running
	f.Poisoned = f.Signal == unix.SIGABRT || !inside && !jumped
	return f
}
