package build

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// leashDescriptor is the leash's number in the build's processes: above those which scripts and make's job server use.
const leashDescriptor = 19

// leash has the kernel kill a process group when the host dies, however it dies.
//
// It is a pipe that nobody writes to. The group's processes inherit the reading end, on which O_ASYNC is set with the
// group as owner and SIGKILL as signal; when the last writing end closes, because the host closed it or died, the kernel
// signals the owner. A parent-death signal would not do: it reaches only the shell and not the compilers it started, and
// it is sent when the thread that forked ends, which for a Go program need not be when the program ends.
//
// A process that closes all inherited descriptors still gets the signal as long as any other process keeps one open.
type leash struct {
	reading, writing *os.File
}

func newLeash() (*leash, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make the leash: %w", err)
	}
	return &leash{
		reading: os.NewFile(uintptr(ends[0]), "leash"),
		writing: os.NewFile(uintptr(ends[1]), "leash"),
	}, nil
}

// inherited returns exec.Cmd.ExtraFiles such that the reading end gets number leashDescriptor.
func (l *leash) inherited() []*os.File {
	files := make([]*os.File, leashDescriptor-2)
	files[leashDescriptor-3] = l.reading
	return files
}

// tie makes the process group the one that is killed, and leaves the reading end to it alone.
func (l *leash) tie(group int) error {
	fd := l.reading.Fd()
	for _, step := range []struct{ command, argument int }{
		{unix.F_SETOWN, -group},
		{unix.F_SETSIG, int(unix.SIGKILL)},
		{unix.F_SETFL, unix.O_ASYNC},
	} {
		if _, err := unix.FcntlInt(fd, step.command, step.argument); err != nil {
			return fmt.Errorf("tie the leash: %w", err)
		}
	}
	return l.reading.Close()
}

// release closes the leash, which kills whoever is still tied to it.
func (l *leash) release() {
	_ = l.reading.Close()
	_ = l.writing.Close()
}
