// Package cpu reads processor time. On a machine that others use too, it says what a piece of work cost where a wall
// clock says how long it had to wait.
package cpu

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Thread returns the processor time that the calling thread has used. Compare two readings on one locked goroutine.
func Thread() time.Duration { return read(unix.CLOCK_THREAD_CPUTIME_ID) }

// Process returns the processor time that all threads of the process have used.
func Process() time.Duration { return read(unix.CLOCK_PROCESS_CPUTIME_ID) }

func read(clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		panic(fmt.Sprintf("cpu: read clock %d: %v", clock, err)) // Linux has had both since 2.6.12
	}
	return time.Duration(t.Nano())
}
