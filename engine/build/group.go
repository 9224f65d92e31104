package build

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// stubborn is how long a killed process may take to be gone: one in the middle of a system call that cannot be
// interrupted, such as a write to a dead network mount, takes its time.
const stubborn = 10 * time.Second

// awaitGroupGone waits until no killed process of the group runs any more. In the ordinary case, in which nothing is
// left, it costs one system call.
func awaitGroupGone(group int) error {
	if err := unix.Kill(-group, 0); errors.Is(err, unix.ESRCH) {
		return nil
	}
	if groupGone(group, stubborn) {
		return nil
	}
	return fmt.Errorf("processes of the build are still running %v after they were killed: %v", stubborn, living(group))
}

// groupGone waits up to limit until no process of the group runs, and reports whether that is so.
func groupGone(group int, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for pause := 250 * time.Microsecond; len(living(group)) > 0; pause = min(2*pause, 20*time.Millisecond) {
		if !time.Now().Before(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// living returns the processes of the group which can still run. A zombie cannot, and may stay one for ever: whoever
// inherits orphans in a container often does not reap them. That is why asking kill(2) is not enough.
func living(group int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var pids []int
	for _, path := range stats {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		pid, state, of, ok := parseStat(content)
		if ok && of == group && state != 'Z' && state != 'X' {
			pids = append(pids, pid)
		}
	}
	return pids
}

// parseStat reads the first fields of /proc/PID/stat: "pid (name) state ppid pgrp ...", where the name may itself hold
// spaces and parentheses.
func parseStat(content []byte) (pid int, state byte, group int, ok bool) {
	opening, closing := bytes.IndexByte(content, '('), bytes.LastIndexByte(content, ')')
	if opening < 1 || closing < opening {
		return 0, 0, 0, false
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(content[:opening])))
	fields := bytes.Fields(content[closing+1:])
	if err != nil || len(fields) < 3 {
		return 0, 0, 0, false
	}
	group, err = strconv.Atoi(string(fields[2]))
	return pid, fields[0][0], group, err == nil
}
