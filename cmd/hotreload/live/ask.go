package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotreload/engine/control"

	tea "charm.land/bubbletea/v2"
)

const (
	pictureTimeout = 5 * time.Second
	// stateTimeout is longer than a host waits for its workers, so that it is the host who says which one does not come.
	stateTimeout = 15 * time.Second
)

// askPicture asks for the status and the workers.
func askPicture(ctx context.Context, source Source) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, pictureTimeout)
		defer cancel()
		begun := time.Now()
		msg := pictureMsg{source: source}
		if msg.status, msg.err = source.Status(ctx); msg.err == nil {
			msg.workers, msg.err = source.Workers(ctx)
		}
		msg.took = time.Since(begun)
		return msg
	}
}

// askState asks for the state of one shard. The time that it takes is mostly spent waiting for the next tick.
func askState(ctx context.Context, source Source, shard int) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, stateTimeout)
		defer cancel()
		msg := stateMsg{source: source, shard: shard}
		msg.state, msg.err = source.State(ctx, shard, 1)
		return msg
	}
}

// An action is what a key has the host do; it returns what to say of it.
type action struct {
	name string
	do   func(context.Context, Source) (string, error)
}

var (
	reload = action{"reload", func(ctx context.Context, s Source) (string, error) {
		return verdict(s.Reload(ctx))
	}}
	rollback = action{"rollback", func(ctx context.Context, s Source) (string, error) {
		return verdict(s.Rollback(ctx, 0))
	}}
	pause = action{"pause", func(ctx context.Context, s Source) (string, error) {
		status, err := s.Pause(ctx)
		return fmt.Sprintf("stands after %d ticks", status.Ticks), err
	}}
	resume = action{"resume", func(ctx context.Context, s Source) (string, error) {
		_, err := s.Resume(ctx)
		return "runs on", err
	}}
)

func verdict(v control.Verdict, err error) (string, error) {
	if err != nil || v.Generation == nil {
		return v.Result, err
	}
	return fmt.Sprintf("%s, generation %d runs", v.Result, v.Generation.Number), nil
}

// command has the host do it. A reload takes as long as its build, so there is no timeout.
func (a action) command(ctx context.Context, source Source) tea.Cmd {
	return func() tea.Msg {
		text, err := a.do(ctx, source)
		return doneMsg{a.name, text, err}
	}
}

// reason is an error on one line.
func reason(err error) string {
	var p *control.Problem
	if errors.As(err, &p) && p.Stage != "" {
		return clean(p.Result + " at " + stageText(p.Stage, p.Detail))
	}
	return clean(err.Error())
}
