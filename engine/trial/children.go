package trial

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// endChildren kills and reaps the child processes of this one, also those that have made themselves daemons, and
// returns how many there were.
func endChildren() (n int) {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR), err == nil && pid > 0: // one that had ended by itself
			continue
		case err != nil: // there are none
			return n
		}
		living := children()
		if len(living) == 0 { // the kernel does not list them; what is left of the group the parent kills
			return n + 1
		}
		for _, pid := range living {
			_ = unix.Kill(pid, unix.SIGKILL)
			if _, err := unix.Wait4(pid, nil, 0, nil); err == nil {
				n++
			}
		}
		// Once more: their orphans have come to this process.
	}
}

// children lists the children of this process's threads.
func children() (pids []int) {
	tasks, err := numbersIn("/proc/self/task")
	if err != nil {
		return nil
	}
	for _, task := range tasks {
		list, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", task))
		if err != nil {
			continue
		}
		for word := range strings.FieldsSeq(string(list)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
