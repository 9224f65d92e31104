package native

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// MaxThreads bounds the threads that may call native code at one time in a process.
const MaxThreads = 4096

// Signal handlers belong to the process, and so do these tables, which the handler in enter_amd64.s reads.
var (
	records      [MaxThreads]atomic.Pointer[record]
	recordsEnd   atomic.Uintptr
	previous     [65]uintptr            // the handler that was there before ours, by signal
	goTextLow    uintptr                //nolint:unused // read by the assembly
	goTextHigh   uintptr                //nolint:unused // read by the assembly
	cancelSignal = uint32(CancelSignal) //nolint:unused // read by the assembly
	catchABI0    uintptr
)

// CancelSignal is the real-time signal that cancels a call.
const CancelSignal = unix.Signal(40)

// caught are the signals by which native code faults.
var caught = []unix.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGABRT}

// register makes r known to the handler.
func register(r *record) {
	for i := range records {
		if records[i].CompareAndSwap(nil, r) {
			r.slot = i
			for {
				end := recordsEnd.Load()
				if uintptr(i) < end || recordsEnd.CompareAndSwap(end, uintptr(i)+1) {
					return
				}
			}
		}
	}
	panic(fmt.Sprintf("native: more than %d threads", MaxThreads))
}

// unregister forgets r.
func unregister(r *record) { records[r.slot].Store(nil) }

// cSigaction is glibc's struct sigaction on this architecture.
type cSigaction struct {
	handler  uintptr
	mask     [16]uint64
	flags    int32
	_        int32
	restorer uintptr
}

const (
	saSiginfo = 0x4
	saOnstack = 0x08000000
	saRestart = 0x10000000
)

var containment struct {
	once      sync.Once
	err       error
	sigaction uintptr
}

// Contain installs the handlers that turn a fault in native code into a *Fault, behind those of the Go runtime: what is
// not a fault of code called through a Thread goes on to them. It does so once per process.
func Contain() error {
	c := &containment
	c.once.Do(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if goTextLow, goTextHigh, c.err = goText(); c.err != nil {
			return
		}
		if c.sigaction, c.err = purego.Dlsym(purego.RTLD_DEFAULT, "sigaction"); c.err != nil {
			return
		}
		for _, s := range append([]unix.Signal{CancelSignal}, caught...) {
			old, err := handlerOf(s)
			if err != nil {
				c.err = err
				return
			}
			previous[s] = old.handler
			if c.err = install(s); c.err != nil {
				return
			}
		}
	})
	return c.err
}

// Restore puts back our handlers where native code has replaced them, and returns the signals concerned. It may be called
// from several goroutines at once.
func Restore() (stolen []unix.Signal, err error) {
	for _, s := range append([]unix.Signal{CancelSignal}, caught...) {
		now, err := handlerOf(s)
		if err != nil {
			return stolen, err
		}
		if now.handler != catchABI0 {
			stolen = append(stolen, s)
			if err := install(s); err != nil {
				return stolen, err
			}
		}
	}
	return stolen, nil
}

func handlerOf(s unix.Signal) (cSigaction, error) {
	var old cSigaction
	if r, _, _ := purego.SyscallN(containment.sigaction, uintptr(s), 0, uintptr(unsafe.Pointer(&old))); int32(r) != 0 {
		return old, fmt.Errorf("read the handler of %s", unix.SignalName(s))
	}
	return old, nil
}

func install(s unix.Signal) error {
	act := cSigaction{handler: catchABI0, flags: saSiginfo | saOnstack | saRestart}
	for i := range act.mask {
		act.mask[i] = ^uint64(0)
	}
	if r, _, _ := purego.SyscallN(containment.sigaction, uintptr(s), uintptr(unsafe.Pointer(&act)), 0); int32(r) != 0 {
		return fmt.Errorf("install the handler of %s", unix.SignalName(s))
	}
	return nil
}

// goText returns the executable mapping of this program that holds Go code.
func goText() (low, high uintptr, err error) {
	self := enterABI0
	all, err := mappings()
	if err != nil {
		return 0, 0, err
	}
	for _, m := range all {
		if strings.HasPrefix(m.perms, "r-x") && m.low <= self && self < m.high {
			return m.low, m.high, nil
		}
	}
	return 0, 0, errors.New("cannot find the program's own text in /proc/self/maps")
}
