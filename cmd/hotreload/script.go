package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotreload/engine"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// script edits the sample plugin while an engine runs it, one edit after the other, each as soon as the engine has said
// what became of the last.
type script struct {
	log    *zap.Logger
	host   *engine.Engine
	events <-chan engine.Event
	states chan string // the engine's [state] lines
	path   string      // the source
	source []byte      // its text
	rate   uint64      // SCORE_PER_TICK of the code that runs
	score  uint64      // of every shard at the activation of that code
	since  uint64      // that activation tick
	closed int         // retired libraries that the engine has closed
	seen   sightings
}

var errEndedEarly = errors.New("the engine has ended before the last edit")

// writeSources puts the plugin and its header into dir.
func (s *script) writeSources(dir string, sources fs.FS) error {
	for _, name := range []string{"logic.h", "logic.c"} {
		text, err := fs.ReadFile(sources, name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
		s.source = text
	}
	return nil
}

// perform makes the edits and notes what comes of each.
func (s *script) perform(ctx context.Context) error {
	const (
		statement = "s->score += SCORE_PER_TICK;"
		slip      = "s->score += SCORE_PER_TICK"
		fields    = "    int    score;\n"
		grown     = "    int    score;\n    int    lives[2];\n"
	)
	if _, err := s.await(ctx, engine.Running); err != nil {
		return err
	}
	if _, err := s.state(ctx); err != nil {
		return err
	}
	s.rate = 1
	steps := []func() error{
		func() error { return s.swap(ctx, "SCORE_PER_TICK 1 becomes 10", 10) },
		func() error {
			return s.refuse(ctx, "a semicolon goes missing", engine.StageBuild, statement, slip+"\n")
		},
		func() error {
			return s.swap(ctx, "the semicolon is back, SCORE_PER_TICK 10 becomes 100", 100, slip+"\n", statement)
		},
		func() error { return s.refuse(ctx, "the state grows by a field", engine.StageGuard, fields, grown) },
		func() error {
			return s.swap(ctx, "the field is gone, SCORE_PER_TICK 100 becomes 1000", 1000, grown, fields)
		},
	}
	for _, step := range steps {
		if err := s.watch(ctx); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	if err := s.watch(ctx); err != nil {
		return err
	}
	s.seen.ticks = s.host.Status().Ticks
	return nil
}

// swap makes a good edit: replacements, which come in pairs of old and new text, and another rate. It waits until the
// new code runs and the old library is closed.
func (s *script) swap(ctx context.Context, what string, rate uint64, replacements ...string) error {
	replacements = append(replacements,
		fmt.Sprintf("#define SCORE_PER_TICK %d\n", s.rate), fmt.Sprintf("#define SCORE_PER_TICK %d\n", rate))
	before := s.host.Status().Ticks
	saved, err := s.edit(what, replacements...)
	if err != nil {
		return err
	}
	event, err := s.await(ctx, engine.Swapped)
	if err != nil {
		return err
	}
	// At its activation tick every shard must have been ticked exactly once per tick, at the old rate up to there.
	at := event.Generation.Activation
	s.score, s.rate, s.since = s.score+(at-s.since)*s.rate, rate, at
	line, err := s.state(ctx)
	if err != nil {
		return err
	}
	s.seen.swaps = append(s.seen.swaps, swapSeen{
		took: event.Time.Sub(saved), meanwhile: at - before, tick: at,
		state: line, expected: "score=" + strconv.FormatUint(s.score, 10),
	})
	for s.closed < len(s.seen.swaps) {
		if _, err := s.await(ctx, engine.Reclaimed, engine.Pinned); err != nil {
			return err
		}
	}
	return nil
}

// refuse makes a bad edit and waits until that stage has refused it.
func (s *script) refuse(ctx context.Context, what string, stage engine.Stage, replacements ...string) error {
	before := s.host.Status().Generation.Number
	if _, err := s.edit(what, replacements...); err != nil {
		return err
	}
	event, err := s.await(ctx, engine.Rejected)
	if err != nil {
		return err
	}
	var refusal *engine.StageError
	good := errors.As(event.Err, &refusal) && refusal.Stage == stage && s.host.Status().Generation.Number == before
	s.seen.refusals = append(s.seen.refusals, refusalSeen{stage: stage, good: good, err: event.Err})
	return nil
}

// watch lets the code that runs run for a while, for the onlooker and for the longest gap to mean something.
func (s *script) watch(ctx context.Context) error {
	const while = 100
	ticker := time.NewTicker(demoTick)
	defer ticker.Stop()
	for until := s.host.Status().Ticks + while; s.host.Status().Ticks < until; {
		select {
		case <-ctx.Done():
			return errEndedEarly
		case <-ticker.C:
		}
	}
	return nil
}

// edit replaces text in the source, says so, and returns the time just before it was saved.
func (s *script) edit(what string, replacements ...string) (saved time.Time, err error) {
	for i := 0; i < len(replacements); i += 2 {
		old := []byte(replacements[i])
		if n := bytes.Count(s.source, old); n != 1 {
			return saved, fmt.Errorf("the sample plugin has %q %d times: expected it once", old, n)
		}
		s.source = bytes.Replace(s.source, old, []byte(replacements[i+1]), 1)
	}
	s.log.Info("edit", zap.String("what", what), engine.Text("edit: %s", what))
	saved = time.Now()
	return saved, os.WriteFile(s.path, s.source, 0o600)
}

// await returns the next event of one of these kinds. A verdict on an edit other than the one hoped for is an error.
func (s *script) await(ctx context.Context, kinds ...engine.Kind) (engine.Event, error) {
	for {
		select {
		case <-ctx.Done():
			return engine.Event{}, errEndedEarly
		case event, open := <-s.events:
			if !open {
				return engine.Event{}, errEndedEarly
			}
			if event.Kind == engine.Reclaimed || event.Kind == engine.Pinned {
				s.closed++ // perhaps before the news of the swap
			}
			if slices.Contains(kinds, event.Kind) {
				return event, nil
			}
			switch event.Kind {
			case engine.Swapped, engine.Rejected, engine.Unchanged:
				return event, fmt.Errorf("an edit ended as %q (%w): expected %v", event.Kind, event.Err, kinds)
			}
		}
	}
}

// state returns the engine's next [state] line, as far as it is state.
func (s *script) state(ctx context.Context) (string, error) {
	select {
	case <-ctx.Done():
		return "", errEndedEarly
	case line := <-s.states:
		return line, nil
	}
}

// sample looks at the tick count every half millisecond, from the first tick to the end of ctx, and notes the longest
// time for which it stood still. What it finds is at most that half, plus its own delays, longer than the truth.
func (s *script) sample(ctx context.Context) {
	const interval = 500 * time.Microsecond
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var last uint64
	var moved time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		ticks, now := s.host.Status().Ticks, time.Now()
		if ticks == last {
			continue
		}
		if last > 0 {
			s.seen.longestGap = max(s.seen.longestGap, now.Sub(moved))
		}
		last, moved = ticks, now
	}
}

// stateTap is a zapcore.Core that hands on the state in the engine's [state] lines.
type stateTap struct {
	zapcore.LevelEnabler
	states chan<- string
}

// With implements zapcore.Core.
func (t stateTap) With([]zapcore.Field) zapcore.Core { return t }

// Check implements zapcore.Core.
func (t stateTap) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if entry.LoggerName != "state" {
		return checked
	}
	return checked.AddCore(entry, t)
}

// Write implements zapcore.Core. It drops a line that nobody has room for.
func (t stateTap) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	line, _ := strings.CutSuffix(engine.TextOf(entry.Message, fields), " (preserved)")
	select {
	case t.states <- line:
	default:
	}
	return nil
}

// Sync implements zapcore.Core.
func (t stateTap) Sync() error { return nil }
