// Package cpu reads processor time. On a machine that others use too, it says what a piece of work cost where a wall
// clock says how long it had to wait.
package cpu

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Thread returns the processor time that the calling thread has used. Compare two readings on one locked goroutine.
func Thread() time.Duration { return mustRead(unix.CLOCK_THREAD_CPUTIME_ID) }

// Process returns the processor time that all threads of the process have used.
func Process() time.Duration { return mustRead(unix.CLOCK_PROCESS_CPUTIME_ID) }

// Clock reads the processor time of one thread of this process.
type Clock int32

// clockOf returns the kernel's clock of a thread: the complement of its number, and 6 for a thread's exact time.
func clockOf(tid int) Clock { return Clock(^int32(tid)<<3 | 6) }

// Read returns the time that the thread has used, 0 when it has ended.
func (c Clock) Read() time.Duration {
	d, err := read(int32(c))
	if err != nil {
		return 0
	}
	return d
}

// Named returns the clocks of the threads of this process with that name.
func Named(name string) ([]Clock, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("list the threads of this process: %w", err)
	}
	var clocks []Clock
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		comm, err := os.ReadFile("/proc/self/task/" + t.Name() + "/comm") // fails when the thread has ended
		if err == nil && strings.TrimSpace(string(comm)) == name {
			clocks = append(clocks, clockOf(tid))
		}
	}
	return clocks, nil
}

func mustRead(clock int32) time.Duration {
	d, err := read(clock)
	if err != nil {
		panic(fmt.Sprintf("cpu: read clock %d: %v", clock, err)) // Linux has had both since 2.6.12
	}
	return d
}

func read(clock int32) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}
