package trial

import (
	"fmt"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// judgeThreads warns of threads that the library has started and left running.
func (r *rehearsal) judgeThreads(now map[int]bool) error {
	for patience := 3; ; patience-- {
		left := 0
		for thread := range now {
			if !r.before.threads[thread] && r.started(thread) {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		if patience == 0 {
			r.warn(WarnThreads, fmt.Sprintf("left %s running: that crashes the host if the library is unmapped under it", count(left, "thread")))
			return nil
		}
		time.Sleep(time.Millisecond) // it may be just ending
		var err error
		if now, err = threads(); err != nil {
			return err
		}
	}
}

// markThread names the calling thread, after the names of those that the Go runtime has started have been noted.
//
// A thread inherits its name from the one that starts it, and the Go runtime never starts one from a thread that is
// locked to a goroutine. So a thread with one of the noted names is the runtime's, and any other the library's, whether
// it has kept this one's name or given itself another.
func (r *rehearsal) markThread() error {
	r.goNames = make(map[string]bool)
	now, err := threads()
	if err != nil {
		return err
	}
	for thread := range now {
		r.goNames[threadName(thread)] = true
	}
	name, err := unix.BytePtrFromString("trial")
	if err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0)
}

// started tells whether the library has started the thread, which may have ended meanwhile.
func (r *rehearsal) started(thread int) bool {
	name := threadName(thread)
	return name != "" && !r.goNames[name]
}

// threadName returns the name of a thread of this process, "" if it has ended.
func threadName(thread int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/comm", thread))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(name), "\n")
}

// threads lists the threads of this process.
func threads() (map[int]bool, error) {
	numbers, err := numbersIn("/proc/self/task")
	if err != nil {
		return nil, err
	}
	found := make(map[int]bool, len(numbers))
	for _, thread := range numbers {
		found[thread] = true
	}
	return found, nil
}
