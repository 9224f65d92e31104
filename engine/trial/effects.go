package trial

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

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
