package main

import (
	"context"
	"io"
	"os"
	"slices"
	"sync"

	"hotreload/cmd/hotreload/live"
	"hotreload/engine"
	"hotreload/engine/control"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"
)

// view is the live view of a host in the same process, which it reaches as every other client does. A nil one shows
// nothing.
type view struct {
	in, out *os.File
	tail    *live.Log
	held    *held // standard error, if it is a terminal; else nil

	end     context.CancelFunc
	running errgroup.Group
}

// screen is the terminal that a view takes.
func (t *terminal) screen() (in, out *os.File) {
	out, _ = t.stdout.(*os.File)
	return os.Stdin, out
}

// output returns the log of a run, and the view of it if there is to be one. Then the log goes to standard error as ever,
// but is held back while the view has that terminal, and into the view.
func (t *terminal) output(s *settings) (*view, *zap.Logger, error) {
	if !s.TUI {
		log, err := t.logger(s.LogFormat, s.LogLevel)
		return nil, log, err
	}
	in, out := t.screen()
	if reason := live.Check(in, out, t.lookup); reason != nil {
		log, err := t.logger(s.LogFormat, s.LogLevel)
		if err == nil {
			log.Named("view").Warn("no live view", zap.Error(reason), engine.Text("no live view: %v", reason))
		}
		return nil, log, err
	}
	v := &view{in: in, out: out}
	if isTerminal(t.stderr) {
		v.held = &held{to: t.stderr}
	}
	log, err := t.logTo(v.held.or(t.stderr), s.LogFormat, s.LogLevel)
	if err != nil {
		return nil, nil, err
	}
	v.tail = live.NewLog(log.Level())
	return v, zap.New(zapcore.NewTee(log.Core(), v.tail)), nil
}

// start shows the view of the host at that address until stop. Its user ends the process by SIGINT. If it fails, the log
// goes on without it.
func (v *view) start(ctx context.Context, address string, log *zap.Logger) {
	if v == nil {
		return
	}
	ctx, v.end = context.WithCancel(ctx)
	v.held.hold()
	v.running.Go(func() error {
		err := live.Run(ctx, live.Config{
			Connect: func() (live.Source, error) { return control.NewClient(control.Target{Address: address}) },
			Host:    "this process", Log: v.tail, Own: true, In: v.in, Out: v.out,
		})
		v.held.release()
		switch {
		case err != nil:
			log.Named("view").Error("ended", zap.Error(err), engine.Text("the live view has failed: %v", err))
		case ctx.Err() == nil: // the user has quit
			interruptSelf()
		}
		return nil
	})
}

// stop ends the view, and returns when the terminal is as it was before.
func (v *view) stop() {
	if v == nil {
		return
	}
	v.end()
	_ = v.running.Wait() // it returns no error
}

// held is a writer that can be held back: then it keeps the last lines, and writes them when it is released. A nil one
// does nothing.
type held struct {
	mu      sync.Mutex
	to      io.Writer
	holding bool
	lines   [][]byte
}

// heldLines is how many lines are kept: what one wants to see after the view has gone.
const heldLines = 10

// or returns h, or w if h is nil.
func (h *held) or(w io.Writer) io.Writer {
	if h == nil {
		return w
	}
	return h
}

// Write implements io.Writer. Each call is a line.
func (h *held) Write(line []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.holding {
		return h.to.Write(line)
	}
	h.lines = append(h.lines, slices.Clone(line))
	h.lines = h.lines[max(len(h.lines)-heldLines, 0):]
	return len(line), nil
}

func (h *held) hold() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holding = true
}

func (h *held) release() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.lines {
		_, _ = h.to.Write(line) // as the log does
	}
	h.holding, h.lines = false, nil
}
