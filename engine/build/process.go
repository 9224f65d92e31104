package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	// niceness is how far below the host's priority a build runs: the workers' ticks come first, yet a build on a busy
	// machine still gets about a tenth of a processor.
	niceness = 10

	// patience is how long a build that is stopped may take to remove its temporary files.
	patience = 100 * time.Millisecond

	// drained bounds what is read of the output after the group is dead: no pipe holds more, and a daemon which keeps
	// the pipe may write for ever.
	drained = 1 << 20
)

// process is a running build: the shell and all that it starts, as one process group.
type process struct {
	command *exec.Cmd
	group   int
	leash   *leash
	output  *os.File // the pipe's reading end
	exited  chan struct{}
	tasks   errgroup.Group // awaitExit and drain; finish waits for both
}

// ending is how a process came to its end.
type ending struct {
	state    *os.ProcessState
	timedOut bool
	stopped  error // why it was stopped: the context's cause
}

// start starts script in a group of its own; what it prints goes to sink, from one goroutine. The caller must call run
// once. On error nothing is left running.
func start(script, dir string, env []string, sink io.Writer) (*process, error) {
	leash, err := newLeash()
	if err != nil {
		return nil, err
	}
	reading, writing, err := os.Pipe()
	if err != nil {
		leash.release()
		return nil, fmt.Errorf("make the output pipe: %w", err)
	}
	p := &process{
		command: &exec.Cmd{
			Path: "/bin/sh", Args: []string{"sh", "-c", script}, Dir: dir, Env: env,
			Stdout: writing, Stderr: writing, ExtraFiles: leash.inherited(),
			// Not a session of its own: priorities count only within a session where the kernel groups by session.
			SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
		},
		leash: leash, output: reading, exited: make(chan struct{}),
	}
	err = p.command.Start()
	_ = writing.Close()
	if err != nil {
		_ = reading.Close()
		leash.release()
		return nil, err
	}
	p.group = p.command.Process.Pid
	p.tasks.Go(p.awaitExit)
	p.tasks.Go(func() error { return p.drain(sink) })
	lowerPriority(p.group)
	if err := leash.tie(p.group); err != nil {
		p.stop()
		_, finishErr := p.finish()
		return nil, errors.Join(err, finishErr)
	}
	return p, nil
}

// run waits until the shell ends, the timeout passes or ctx is done, and returns when no process of the group is left.
// It fails only if that cannot be brought about.
func (p *process) run(ctx context.Context, timeout time.Duration) (ending, error) {
	var end ending
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-ctx.Done():
		end.stopped = context.Cause(ctx)
		p.stop()
	case <-timer.C:
		end.timedOut = true
		p.stop()
	}
	var err error
	end.state, err = p.finish()
	return end, err
}

// lowerPriority renices the whole group. The shell has only just been started, so what it starts inherits the priority;
// should it have been quick, its children belong to the group and are reniced with it. A failure costs the workers some
// processor time and is no reason not to build.
func lowerPriority(group int) {
	own, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return
	}
	const scale = 20 // the system call returns 20 minus the nice value
	_ = unix.Setpriority(unix.PRIO_PGRP, group, min(scale-own+niceness, 19))
}

// awaitExit waits for the shell without reaping it: as long as it is a zombie, its number cannot become that of another
// process or group, so signals to the group are safe.
func (p *process) awaitExit() error {
	defer close(p.exited)
	for {
		err := unix.Waitid(unix.P_PID, p.group, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// drain copies the output to sink until every writer has closed it. A daemon that left the group may keep the pipe open;
// finish then sets a deadline, after which only what is in the pipe already is read.
func (p *process) drain(sink io.Writer) error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := p.output.Read(buffer)
		_, _ = sink.Write(buffer[:n]) // the sinks of this package do not fail
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return p.drainRest(sink, buffer)
		case err != nil: // end of file
			return nil
		}
	}
}

func (p *process) drainRest(sink io.Writer, buffer []byte) error {
	if err := p.output.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	raw, err := p.output.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Read(func(fd uintptr) bool {
		for total := 0; total < drained; {
			n, err := unix.Read(int(fd), buffer)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || n == 0 { // empty, or end of file
				break
			}
			_, _ = sink.Write(buffer[:n])
			total += n
		}
		return true
	})
}

// stop asks the group to end, so that compilers remove their temporary files, and kills it when it has not ended soon.
func (p *process) stop() {
	_ = unix.Kill(-p.group, unix.SIGTERM)
	groupGone(p.group, patience)
	_ = unix.Kill(-p.group, unix.SIGKILL)
}

// finish waits for the shell's end, kills what it left running in its group, and reaps it.
func (p *process) finish() (*os.ProcessState, error) {
	<-p.exited
	_ = unix.Kill(-p.group, unix.SIGKILL) // before reaping: see awaitExit
	err := p.command.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil
	}
	if err == nil {
		err = awaitGroupGone(p.group)
	}
	_ = p.output.SetReadDeadline(time.Now())
	err = errors.Join(err, p.tasks.Wait())
	_ = p.output.Close()
	p.leash.release()
	return p.command.ProcessState, err
}
