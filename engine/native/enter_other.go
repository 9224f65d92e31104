//go:build !amd64

package native

import (
	"errors"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// CancelSignal stands for a cancelled call.
const CancelSignal = unix.Signal(40)

// enter makes the calls that r describes, one crossing each, and tells whether all of them returned: on this
// architecture a fault ends the process.
func enter(r *record) bool {
	var call func(state, a1, a2, a3 uintptr, dt float64) uintptr
	purego.RegisterFunc(&call, r.fn)
	r.first, r.active = r.base, 1
	for r.index = 0; r.index < r.count; r.index++ {
		r.result = call(r.base+r.index*r.stride, r.args[0], r.args[1], r.args[2], r.dt)
	}
	r.active = 0
	return true
}

// Contain says that faults are not caught on this architecture.
func Contain() error {
	return errors.New("faults in native code are not contained on this architecture: they end the process")
}

// Restore has nothing to put back.
func Restore() ([]unix.Signal, error) { return nil, nil }

func register(*record)   {}
func unregister(*record) {}
