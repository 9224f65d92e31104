package trial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	// patience is how long a new process may take to get ready: a loaded machine, a large program, a race detector.
	patience = 20 * time.Second
	// lag is how long the output of a dead child may take to end. It ends at once, unless a process that the library
	// has forked escaped from the group and holds on to the pipe.
	lag = 200 * time.Millisecond
)

// child is a child process as its parent sees it. One goroutine at a time uses it.
type child struct {
	command  *exec.Cmd
	group    int // the process's number, and that of its group
	control  *net.UnixConn
	leash    *os.File // the writing end: nobody writes, its closing is the message
	output   *os.File
	ledger   *ledger
	printed  transcript    // finish waits for its writer
	messages chan []byte   // what the child sends; closed at the end of the connection
	exited   chan struct{} // closed when the process has ended, by awaitExit
	tasks    errgroup.Group
}

// The child's descriptors.
const (
	controlDescriptor = 3
	leashDescriptor   = 4
	ledgerDescriptor  = 5
)

// ends are the files between a parent and its child. Those that start with their are the child's.
type ends struct {
	control, theirControl *os.File
	leash, theirLeash     *os.File
	output, theirOutput   *os.File
	theirLedger           *os.File
	ledger                *ledger
}

func openEnds() (e *ends, err error) {
	e = &ends{}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make the child's socket: %w", err)
	}
	e.control, e.theirControl = os.NewFile(uintptr(pair[0]), "control"), os.NewFile(uintptr(pair[1]), "control")
	if e.theirLeash, e.leash, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("make the child's leash: %w", err)
	}
	if e.output, e.theirOutput, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("make the child's output: %w", err)
	}
	e.ledger, e.theirLedger, err = newLedger()
	return e, err
}

// closeTheirs closes what the child has its own descriptors of.
func (e *ends) closeTheirs() {
	for _, f := range []*os.File{e.theirControl, e.theirLeash, e.theirOutput, e.theirLedger} {
		_ = f.Close() // a nil file too
	}
}

func (e *ends) close() {
	e.closeTheirs()
	for _, f := range []*os.File{e.control, e.leash, e.output} {
		_ = f.Close()
	}
	if e.ledger != nil {
		e.ledger.close()
	}
}

// start starts a child, which then gets ready on its own. The caller must call finish once.
func start() (*child, error) {
	e, err := openEnds()
	if err != nil {
		return nil, err
	}
	control, err := net.FileConn(e.control) // a duplicate
	if err != nil {
		e.close()
		return nil, fmt.Errorf("use the child's socket: %w", err)
	}
	command, err := e.command()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		_ = control.Close()
		e.close()
		return nil, fmt.Errorf("start the child process: %w", err)
	}
	c := &child{
		command: command, group: command.Process.Pid, control: control.(*net.UnixConn), leash: e.leash,
		output: e.output, ledger: e.ledger, messages: make(chan []byte, 2), exited: make(chan struct{}),
	}
	err = tie(e.theirLeash, c.group)
	e.closeTheirs()
	_ = e.control.Close()
	c.tasks.Go(c.receive)
	c.tasks.Go(c.drain)
	if err != nil {
		c.finish()
		return nil, err
	}
	return c, nil
}

// command is this program again, invited to be a child.
func (e *ends) command() (*exec.Cmd, error) {
	invitation, err := invitationTo(e.theirControl.Fd())
	if err != nil {
		return nil, err
	}
	name := "hotreload"
	if len(os.Args) > 0 {
		name = filepath.Base(os.Args[0])
	}
	return &exec.Cmd{
		Path:   "/proc/self/exe", // right even when the program's file has been replaced since it was started
		Args:   []string{name + ": trial"},
		Env:    append(os.Environ(), variable+"="+invitation),
		Stdout: e.theirOutput, Stderr: e.theirOutput, // standard input is /dev/null
		ExtraFiles:  []*os.File{e.theirControl, e.theirLeash, e.theirLedger},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}, nil
}

// tie makes the kernel kill the group when the leash's writing end closes, because the parent closed it or died. That
// needs no cooperation of the child, which may be stopped or damaged. A parent-death signal would not do: it is sent when
// the thread that forked ends, and threads end in a healthy host, when workers move away from them.
func tie(leash *os.File, group int) error {
	fd := leash.Fd()
	for _, step := range []struct{ command, argument int }{
		{unix.F_SETOWN, -group}, {unix.F_SETSIG, int(unix.SIGKILL)}, {unix.F_SETFL, unix.O_ASYNC},
	} {
		if _, err := unix.FcntlInt(fd, step.command, step.argument); err != nil {
			return fmt.Errorf("tie the child to its parent: %w", err)
		}
	}
	return nil
}

// receive hands on what the child sends. A library that floods the socket is not listened to.
func (c *child) receive() error {
	defer close(c.messages)
	buffer := make([]byte, maxMessage)
	for {
		n, err := c.control.Read(buffer)
		if err != nil || n == 0 { // the end, or finish
			return nil
		}
		select {
		case c.messages <- append([]byte(nil), buffer[:n]...):
		default:
		}
	}
}

// drain reads what the child prints, so that it never blocks, until its end or the deadline that finish sets.
func (c *child) drain() error {
	buffer := make([]byte, 16<<10)
	for {
		n, err := c.output.Read(buffer)
		_, _ = c.printed.Write(buffer[:n]) // never fails
		if err != nil {
			return nil
		}
	}
}

// awaitExit waits for the process without reaping it: as long as it is a zombie, its number cannot become that of
// another process or group, so the group can be killed safely.
func (c *child) awaitExit() error {
	defer close(c.exited)
	for {
		err := unix.Waitid(unix.P_PID, c.group, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return nil
		}
	}
}

// ready waits until the child has warmed up.
func (c *child) ready(ctx context.Context) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case _, ok := <-c.messages:
		if !ok {
			return errors.New("the child process ended before it was ready")
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("the child process was not ready within %v", patience)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// send hands the request to the child, and the file unless it is nil.
func (c *child) send(message []byte, file *os.File) error {
	var rights []byte
	if file != nil {
		rights = unix.UnixRights(int(file.Fd()))
	}
	_, _, err := c.control.WriteMsgUnix(message, rights, nil)
	return err
}

// ending is how a child came to its end.
type ending struct {
	message  []byte // its answer, nil if there was none
	timedOut bool
}

// await waits for the answer. The error is that of the context.
func (c *child) await(ctx context.Context, timeout time.Duration) (ending, error) {
	c.tasks.Go(c.awaitExit)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	messages := c.messages
	for {
		select {
		case message, ok := <-messages:
			if ok {
				return ending{message: message}, nil
			}
			messages = nil // hung up; what has become of it shows when it ends
		case <-c.exited:
			return ending{}, nil
		case <-timer.C:
			return ending{timedOut: true}, nil
		case <-ctx.Done():
			return ending{}, context.Cause(ctx)
		}
	}
}

// finish kills the child and its group, reaps it, and returns how the process ended and what it printed last. Nothing
// of it is left afterwards.
func (c *child) finish() (*os.ProcessState, string) {
	_ = unix.Kill(-c.group, unix.SIGKILL) // before reaping: see awaitExit
	_ = c.command.Wait()                  // an exit status is no error here
	_ = c.control.Close()
	_ = c.leash.Close()
	_ = c.output.SetReadDeadline(time.Now().Add(lag))
	_ = c.tasks.Wait() // they return no errors
	_ = c.output.Close()
	c.ledger.close()
	return c.command.ProcessState, c.printed.String()
}
