package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotreload/engine"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"
)

// scriptHost is the host of one script: an engine on a virtual clock, which stands still but for the script's ticks. Its
// methods are called by the script's goroutine.
type scriptHost struct {
	*terminal
	ctx context.Context // of the script

	engine *engine.Engine // nil while there is none
	stop   context.CancelFunc
	ended  chan struct{} // closed when the engine has
	err    error         // that it ended with
	events <-chan engine.Event
	faults []error // that no `expect fault` has met
	log    scriptLog
	atEnd  error // of the engine that the end of the script has ended
}

// scriptLog is the host's log, written by any goroutine.
type scriptLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *scriptLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was written since the last take.
func (l *scriptLog) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// commands returns the commands that scripts have beyond testscript's own.
func (h *scriptHost) commands() map[string]func(*testscript.TestScript, bool, []string) {
	cmds := map[string]func(*testscript.TestScript, bool, []string){"edit": edit}
	for name, run := range map[string]func(*testscript.TestScript, bool, []string) error{
		"start": h.start, "tick": h.tick, "expect": h.expect, "rollback": h.rollback, "state": h.state, "exit": h.exit,
	} {
		cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			err := h.settled(name, args)
			if err == nil {
				err = run(ts, neg, args)
			}
			if text := h.log.take(); text != "" {
				ts.Logf("%s", strings.TrimSuffix(text, "\n"))
			}
			if err != nil {
				ts.Fatalf("%s: %v", name, err)
			}
		}
	}
	return cmds
}

// setUp prepares the directory and the environment of a script that lies in dir.
func (h *scriptHost) setUp(env *testscript.Env, dir string) error {
	env.Setenv("DIR", dir)
	env.Setenv("HOME", os.Getenv("HOME")) // where compilers have their caches and settings
	env.Defer(func() { h.atEnd = h.halt() })
	header := filepath.Join(env.WorkDir, "logic.h")
	if _, err := os.Stat(header); !errors.Is(err, fs.ErrNotExist) {
		return err // it has its own
	}
	text, err := demoSources.ReadFile("demo/logic.h")
	if err != nil {
		return err
	}
	return os.WriteFile(header, text, 0o600)
}

// settled refuses to run a command after a fault that nobody has expected.
func (h *scriptHost) settled(name string, args []string) error {
	h.listen()
	if len(h.faults) == 0 || name == "expect" && len(args) > 0 && args[0] == "fault" {
		return nil
	}
	return fmt.Errorf("unexpected fault: %w (`expect fault` if it should be)", h.faults[0])
}

// listen takes what the engine has told since the last time.
func (h *scriptHost) listen() {
	for {
		select {
		case event, open := <-h.events:
			if !open {
				h.events = nil
				return
			}
			if event.Kind == engine.Faulted {
				h.faults = append(h.faults, event.Err)
			}
		default:
			return
		}
	}
}

// running returns the engine, or an error if there is none.
func (h *scriptHost) running() (*engine.Engine, error) {
	if h.engine == nil {
		return nil, errors.New("no host: start one first")
	}
	select {
	case <-h.ended:
		return nil, fmt.Errorf("the host has ended: %w", h.err)
	default:
		return h.engine, nil
	}
}

// start starts the host and waits for the verdict on the first build.
func (h *scriptHost) start(ts *testscript.TestScript, neg bool, args []string) error {
	if h.engine != nil {
		return errors.New("a host runs already: end it with exit first")
	}
	s, err := h.settings(ts, args)
	if err != nil {
		return err
	}
	cfg, err := s.engineConfig()
	if err != nil {
		return err
	}
	// The clock: ticks run when the script says so, as fast as they go. And nobody but the script looks at the sources.
	cfg.DT, cfg.Tick, cfg.Paused = max(cfg.Tick, 0), engine.FreeRunning, true
	cfg.WatchMode, cfg.PollInterval = "poll", longest
	least, err := zapcore.ParseLevel(s.LogLevel)
	if err != nil {
		return err
	}
	log := zap.New(zapcore.NewCore(newConsole(false, least == zapcore.DebugLevel), zapcore.AddSync(&h.log), least))
	h.provideProcessors(s.Workers, s.Shards)
	host, err := engine.New(cfg, engine.WithLogger(log))
	if err != nil {
		return err
	}
	h.engine, h.ended, h.err, h.faults = host, make(chan struct{}), nil, nil
	h.events, _ = host.Events(1 << 12)
	ctx, cancel := context.WithCancel(context.Background())
	var group errgroup.Group
	ended := h.ended
	group.Go(func() error {
		defer close(ended)
		h.err = host.Run(ctx)
		return nil
	})
	h.stop = cancel
	return h.begun(neg)
}

// begun waits for the verdict on the first build.
func (h *scriptHost) begun(neg bool) error {
	for {
		select {
		case event, open := <-h.events:
			switch {
			case !open:
				<-h.ended
				return fmt.Errorf("the host has ended: %w", h.err)
			case event.Kind == engine.Faulted:
				h.faults = append(h.faults, event.Err)
			case event.Kind == engine.Running && neg:
				return errors.New("the first build runs: expected a refusal")
			case event.Kind == engine.Rejected && !neg:
				return event.Err
			case event.Kind == engine.Running || event.Kind == engine.Rejected:
				return nil
			}
		case <-h.ctx.Done():
			return context.Cause(h.ctx)
		}
	}
}

// settings reads the command line of start, with paths relative to the script's directory.
func (h *scriptHost) settings(ts *testscript.TestScript, args []string) (settings, error) {
	var line settings
	cmd := &cobra.Command{}
	for _, g := range line.bind() {
		cmd.Flags().AddFlagSet(g.FlagSet)
	}
	if err := cmd.ParseFlags(args); err != nil {
		return line, flagError(cmd, err)
	}
	if err := noArguments(cmd, cmd.Flags().Args()); err != nil {
		return line, err
	}
	config := ts.MkAbs(line.Config)
	if line.Config == "" {
		config = ts.MkAbs(defaultConfig)
	}
	if _, err := os.Stat(config); err == nil || line.Config != "" {
		if err := cmd.Flags().Set("config", config); err != nil {
			return line, err
		}
	}
	s, from, err := resolve(cmd.Flags(), func(name string) (string, bool) { return ts.Getenv(name), ts.Getenv(name) != "" })
	if err != nil {
		return s, err
	}
	for i, path := range s.Watch {
		s.Watch[i] = ts.MkAbs(path)
	}
	for _, path := range []*string{&s.Lib, &s.Depfile, &s.StateFile, &s.Journal, &s.KeepArtifacts} {
		if *path != "" {
			*path = ts.MkAbs(*path)
		}
	}
	s.Dir = ts.MkAbs(s.Dir)
	if err := s.check(from); err != nil {
		return s, err
	}
	if from["workers"] == "" {
		s.Workers = 1 // when code faults, the shards of other workers leave it when they notice
	}
	if s.Ticks != 0 {
		return s, fmt.Errorf("%s: expected none, since the script says when to tick", from["ticks"])
	}
	return s, nil
}

// tick runs ticks.
func (h *scriptHost) tick(_ *testscript.TestScript, neg bool, args []string) error {
	n := uint64(1)
	if len(args) == 1 {
		var err error
		if n, err = strconv.ParseUint(args[0], 10, 62); err != nil {
			return fmt.Errorf("expected a number of ticks, got %q", args[0])
		}
	}
	if neg || len(args) > 1 {
		return errors.New("usage: tick [N]")
	}
	host, err := h.running()
	if err != nil {
		return err
	}
	return host.Step(h.ctx, n)
}

// rollback goes back to earlier code.
func (h *scriptHost) rollback(_ *testscript.TestScript, neg bool, args []string) error {
	generation := uint64(0)
	if len(args) == 1 {
		var err error
		if generation, err = strconv.ParseUint(args[0], 10, 64); err != nil {
			return fmt.Errorf("expected the number of a generation, got %q", args[0])
		}
	}
	if len(args) > 1 {
		return errors.New("usage: rollback [GENERATION]")
	}
	host, err := h.running()
	if err != nil {
		return err
	}
	err = host.Rollback(h.ctx, generation)
	if neg && err == nil {
		return fmt.Errorf("expected a refusal, but generation %d runs", host.Status().Generation.Number)
	}
	if neg {
		return nil
	}
	return err
}

// exit ends the host and checks the code with which it would exit.
func (h *scriptHost) exit(_ *testscript.TestScript, neg bool, args []string) error {
	if neg || len(args) > 1 {
		return errors.New("usage: exit [CODE]")
	}
	if _, err := h.running(); err != nil {
		return err
	}
	host := h.engine
	if err := h.halt(); err != nil {
		return err
	}
	want := strings.Join(append(args, "0")[:1], "")
	if got := strconv.Itoa(engine.ExitCode(host.Outcome())); got != want {
		return fmt.Errorf("expected exit code %s, got %s (%w)", want, got, host.Outcome())
	}
	return h.settled("exit", nil) // a fault in shutdown
}

// halt ends the host, if there is one.
func (h *scriptHost) halt() error {
	if h.engine == nil {
		return nil
	}
	h.engine = nil
	h.stop()
	const stuck = 10 * time.Second // beyond the time that any tick is given
	for {
		select {
		case <-h.ended:
			h.listen()
			return h.err
		case event, open := <-h.events:
			if !open {
				h.events = nil
			} else if event.Kind == engine.Faulted {
				h.faults = append(h.faults, event.Err)
			}
		case <-time.After(stuck):
			return fmt.Errorf("the host does not end within %v: does a tick sleep?", stuck)
		}
	}
}

// edit is the script command that changes one place of a file.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if n := strings.Count(text, args[1]); n != 1 {
		ts.Fatalf("edit: %s has %q %d times, expected it once", args[0], args[1], n)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}
