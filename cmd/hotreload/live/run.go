package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"hotreload/engine/control"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
	"golang.org/x/sync/errgroup"
)

// Config says what to view, and where.
type Config struct {
	// Connect makes a connection to the host, and a new one when that is lost.
	Connect func() (Source, error)
	// Host is what to call the host.
	Host string
	// Log is the host's, if it is in this process. nil: events stand for it.
	Log *Log
	// Own says that the host ends with the view.
	Own bool
	// In and Out are the terminal.
	In, Out *os.File
}

// Check returns why there can be no view with these files and this environment, nil if there can be one.
func Check(in, out *os.File, lookup func(string) (string, bool)) error {
	switch kind, _ := lookup("TERM"); {
	case in == nil || !term.IsTerminal(in.Fd()):
		return errors.New("standard input is no terminal")
	case out == nil || !term.IsTerminal(out.Fd()):
		return errors.New("standard output is no terminal")
	case kind == "dumb" || kind == "":
		return fmt.Errorf("a terminal of the type %q cannot show it (TERM)", kind)
	}
	return nil
}

// Run shows the view until the user quits (nil) or ctx ends. However it ends, and even if the process does, the terminal is
// as it was before. Signals are the caller's.
func Run(ctx context.Context, cfg Config) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	dismiss := guard(cfg.In, cfg.Out)
	defer dismiss()
	program := tea.NewProgram(newModel(ctx, cfg), tea.WithContext(ctx), tea.WithInput(cfg.In), tea.WithOutput(cfg.Out),
		tea.WithoutSignalHandler())
	var group errgroup.Group
	group.Go(func() error {
		link(ctx, cfg.Connect, program.Send)
		return nil
	})
	_, err := program.Run()
	end()
	_ = group.Wait() // it returns no error
	if errors.Is(err, tea.ErrProgramKilled) && !errors.Is(err, tea.ErrProgramPanic) {
		return nil // ctx has ended
	}
	return err
}

func newModel(ctx context.Context, cfg Config) model {
	return model{ctx: ctx, host: cfg.Host, log: cfg.Log, own: cfg.Own, now: time.Now()}
}

// Between two attempts to connect.
const retryTime = 500 * time.Millisecond

// link keeps a connection and sends what it tells, until ctx ends.
func link(ctx context.Context, connect func() (Source, error), send func(tea.Msg)) {
	for ctx.Err() == nil {
		send(lostMsg{follow(ctx, connect, send)})
		select {
		case <-ctx.Done():
		case <-time.After(retryTime):
		}
	}
}

// errEnded is what becomes of a host that has said that it ends.
var errEnded = errors.New("the host has ended")

// follow connects and sends the events until the connection is lost, and returns why.
func follow(ctx context.Context, connect func() (Source, error), send func(tea.Msg)) error {
	source, err := connect()
	if err != nil {
		return err
	}
	defer source.Close()
	send(connectedMsg{source})
	err = source.Follow(ctx,
		func(ev control.Event) error { send(eventMsg(ev)); return nil },
		func(gap control.Gap) error { send(gapMsg(gap)); return nil })
	if err == nil {
		return errEnded
	}
	return err
}
