package trial

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"hotreload/engine/native"

	"golang.org/x/sys/unix"
)

// effects is what a library can change of its process, as it is at one moment.
type effects struct {
	threads     map[int]bool   // by number
	descriptors map[int]string // by number: what they refer to
	directory   string
	umask       string
	caught      uint64 // signals with a handler, as a mask
	ignored     uint64
	locale      string
}

// observe takes stock.
func (r *rehearsal) observe() (effects, error) {
	e := effects{locale: r.locale()}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return e, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name {
		case "Umask":
			e.umask = value
		case "SigCgt":
			e.caught, _ = strconv.ParseUint(value, 16, 64)
		case "SigIgn":
			e.ignored, _ = strconv.ParseUint(value, 16, 64)
		}
	}
	if e.threads, err = threads(); err != nil {
		return e, err
	}
	if e.directory, err = os.Getwd(); err != nil {
		e.directory = ""
	}
	e.descriptors, err = descriptors()
	return e, err
}

// descriptors lists the open descriptors of this process.
func descriptors() (map[int]string, error) {
	numbers, err := numbersIn("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	found := make(map[int]string, len(numbers))
	for _, fd := range numbers { // that of the directory is closed by now
		if target, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil {
			found[fd] = target
		}
	}
	return found, nil
}

// keptDescriptors refuses a library that has closed what it did not open.
func (r *rehearsal) keptDescriptors(stage Stage) error {
	var closed []string
	for _, fd := range slices.Sorted(maps.Keys(r.before.descriptors)) {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); errors.Is(err, unix.EBADF) {
			closed = append(closed, strconv.Itoa(fd))
		}
	}
	if closed == nil {
		return nil
	}
	return &failure{
		stage: stage, cause: "the library closed descriptors of the process that are not its own: " + strings.Join(closed, ", "),
		hint: "close only what the plugin has opened",
	}
}

// judgeEffects compares with what was there before the library was loaded.
func (r *rehearsal) judgeEffects() error {
	r.check()
	r.ledger.enter(StageEffects)
	if err := r.keptDescriptors(StageEffects); err != nil {
		return err
	}
	stolen, err := native.Restore() // before anything else, as our handlers are needed
	if err != nil {
		return err
	}
	now, err := r.observe()
	if err != nil {
		return err
	}
	if err := r.judgeThreads(now.threads); err != nil {
		return err
	}
	if opened := newDescriptors(r.before.descriptors, now.descriptors); len(opened) > 0 {
		r.warn(WarnDescriptors, fmt.Sprintf("left %s open: %s", count(len(opened), "descriptor"), several(opened)))
	}
	changed := (now.caught ^ r.before.caught) | (now.ignored ^ r.before.ignored)
	if signals := signalNames(stolen, changed); len(signals) > 0 {
		r.warn(WarnSignals, "replaced the handlers of "+several(signals)+": leave signals to the host")
	}
	for _, c := range []struct{ code, what, before, now string }{
		{WarnDirectory, "working directory", r.before.directory, now.directory},
		{WarnUmask, "umask", r.before.umask, now.umask},
		{WarnLocale, "locale", r.before.locale, now.locale},
	} {
		if c.before != c.now {
			r.warn(c.code, fmt.Sprintf("changed the %s of the whole process from %q to %q", c.what, c.before, c.now))
		}
	}
	if n := endChildren(); n > 0 {
		r.warn(WarnProcesses, fmt.Sprintf("started %s and left %s behind", count(n, "process"), pronoun(n)))
	}
	return nil
}

// judgeThreads warns of threads that the library has started and left running.
func (r *rehearsal) judgeThreads(now map[int]bool) error {
	for patience := 20; ; patience-- {
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

// numbersIn lists the entries of a directory whose names are numbers.
func numbersIn(path string) (numbers []int, err error) {
	directory, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = directory.Close() }()
	names, err := directory.Readdirnames(-1)
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers, err
}

// newDescriptors returns what the descriptors refer to that were not there before.
func newDescriptors(before, now map[int]string) (targets []string) {
	for _, fd := range slices.Sorted(maps.Keys(now)) {
		if before[fd] != now[fd] {
			targets = append(targets, now[fd])
		}
	}
	return targets
}

// signalNames joins the signals of a list and of a mask, in order.
func signalNames(list []unix.Signal, mask uint64) (names []string) {
	for s := unix.Signal(1); s <= 64; s++ {
		if slices.Contains(list, s) || mask&(1<<(s-1)) != 0 {
			name := unix.SignalName(s)
			if name == "" {
				name = fmt.Sprintf("signal %d", s)
			}
			names = append(names, name)
		}
	}
	return names
}

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

// several lists the first few.
func several(names []string) string {
	const most = 4
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func pronoun(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}
