package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotreload/engine"
	"hotreload/engine/journal"

	"github.com/spf13/cobra"
)

// replayCommand is the flags of one replay.
type replayCommand struct {
	*terminal
	path      string
	artifacts string
	run       int // from 1; 0: the last
	workers   int
	format    string
}

// newReplay returns the command that runs a journal again.
func newReplay(t *terminal) *cobra.Command {
	r := replayCommand{terminal: t}
	cmd := &cobra.Command{
		Use:   "replay JOURNAL",
		Short: "Run the history in a journal again, at full speed, and compare the state at its end",
		Long: "Runs the history that a host has written with --journal: the same code, from the artifacts kept beside\n" +
			"the journal, on the same shards from the same ticks on, as fast as it goes and on any number of workers.\n" +
			"The state at the end must be the same, byte for byte; exits with 1 if it is not. A journal without an\n" +
			"end, of a host that was killed or whose disk was full, is replayed to the last tick of which it knows.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("replay: expected the journal that a host has written with --journal, got none")
			}
			return noArguments(cmd, args[1:])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r.path = args[0]
			switch {
			case r.run < 0:
				return fmt.Errorf("--run: expected the number of a run, 1 or more, got %d", r.run)
			case r.workers < 0 || r.workers > engine.MaxWorkers:
				return fmt.Errorf("--workers: expected %s, got %d", expectation("workers"), r.workers)
			}
			if err := checkFormat(r.format); err != nil {
				return err
			}
			return r.replay(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&r.artifacts, "artifacts", "", "`DIRECTORY` with the libraries (default: the journal's name with .d)")
	cmd.Flags().IntVar(&r.run, "run", 0, "`N`th run of the journal (default: the last)")
	cmd.Flags().IntVar(&r.workers, "workers", 0, "`N` threads (default: one per processor)")
	addFormat(cmd, &r.format)
	must(cmd.MarkFlagDirname("artifacts"))
	return cmd
}

// replayReport is what came of a replay.
type replayReport struct {
	Journal  string          `json:"journal"`
	Run      int             `json:"run"`
	Runs     int             `json:"runs"`
	Entries  []journal.Entry `json:"entries"`
	Ticks    uint64          `json:"ticks"`
	Seconds  float64         `json:"seconds"`
	State    string          `json:"state"`
	Expected string          `json:"expected,omitempty"` // "" when the host was killed
	Same     bool            `json:"same"`
	Inexact  []string        `json:"inexact,omitempty"`
}

// replay replays the journal and prints what came of it.
func (r *replayCommand) replay(ctx context.Context) error {
	report, err := r.perform(ctx)
	if err != nil {
		_, _ = fmt.Fprintf(r.stderr, "hotreload: replay %s: %s\n", r.path, printable(err.Error())) // there is nowhere else to complain
		return exit(engine.ExitRuntime)
	}
	if r.format == "json" {
		encoder := json.NewEncoder(r.stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = r.say("%s", report)
	}
	if err == nil && report.Expected != "" && !report.Same {
		return exit(engine.ExitRuntime)
	}
	return err
}

func (r *replayCommand) perform(ctx context.Context) (*replayReport, error) {
	file, err := os.Open(r.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	runs, err := journal.Read(file)
	if err != nil {
		return nil, err
	}
	number := r.run
	switch {
	case number == 0:
		number = len(runs)
	case number > len(runs):
		return nil, fmt.Errorf("--run: expected a run among 1 to %d, got %d", len(runs), number)
	}
	run := &runs[number-1]
	artifacts := journal.Beside(r.path)
	if r.artifacts != "" {
		artifacts = journal.Artifacts(r.artifacts)
	}
	log, err := r.logger("console", "warn")
	if err != nil {
		return nil, err
	}
	ctx, stop := withSignals(ctx, log, func(s os.Signal) { os.Exit(signalCode(s)) })
	defer stop()
	r.provideProcessors(r.workers, run.Shards)
	done, err := engine.Replay(ctx, engine.ReplayConfig{Run: run, Artifacts: artifacts, Workers: r.workers, Logger: log})
	if err != nil {
		return nil, err
	}
	report := &replayReport{
		Journal: r.path, Run: number, Runs: len(runs), Entries: run.Entries, Ticks: done.Ticks, Seconds: done.Took.Seconds(),
		State: done.State, Inexact: done.Inexact,
	}
	if end := run.End(); end != nil {
		report.Expected, report.Same = end.State, end.State == done.State
	}
	return report, nil
}

// String is the report for people: a table of what has happened, and the verdict.
func (r *replayReport) String() string {
	var b strings.Builder
	if r.Runs > 1 {
		fmt.Fprintf(&b, "run %d of %d in %s\n", r.Run, r.Runs, filepath.Base(r.Journal))
	}
	fmt.Fprintf(&b, "%10s  %-9s  %10s  %s\n", "TICK", "WHAT", "GENERATION", "DETAIL")
	for _, e := range r.Entries {
		fmt.Fprintf(&b, "%10d  %-9s  %10s  %s\n", e.Tick, e.Kind, generationOf(e), detailOf(e))
	}
	speed := float64(r.Ticks) / max(r.Seconds, 1e-9)
	fmt.Fprintf(&b, "replayed %d ticks in %v, %.3g a second\n", r.Ticks, time.Duration(r.Seconds*float64(time.Second)).Round(time.Microsecond), speed)
	for _, why := range r.Inexact {
		fmt.Fprintf(&b, "not exact: %s\n", why)
	}
	switch {
	case r.Expected == "":
		fmt.Fprintf(&b, "state hash %s, with nothing to compare: the journal has no end, for the host was killed or could not write on\n", r.State)
	case r.Same:
		fmt.Fprintf(&b, "state hash %s matches\n", r.State)
	default:
		fmt.Fprintf(&b, "state hash %s DIFFERS: expected %s\n", r.State, r.Expected)
	}
	return b.String()
}

func generationOf(e journal.Entry) string {
	if e.Generation == 0 {
		return ""
	}
	return fmt.Sprint(e.Generation)
}

// detailOf says in words what an entry tells.
func detailOf(e journal.Entry) string {
	switch e.Kind {
	case journal.Begin, journal.Swap, journal.Rollback:
		detail := fmt.Sprintf("%s %.12s", e.Library, e.Artifact)
		if e.Migration != "" {
			detail += ", state migrated: " + e.Migration
		}
		return detail
	case journal.Fault:
		return e.Error
	case journal.Leave:
		detail := "held"
		if e.By != 0 {
			detail = fmt.Sprintf("go on with generation %d", e.By)
		}
		if e.Count == 1 {
			return fmt.Sprintf("shard %d: %s", e.First, detail)
		}
		return fmt.Sprintf("shards %d to %d: %s", e.First, e.First+e.Count-1, detail)
	case journal.End:
		return fmt.Sprintf("state %.12s", e.State)
	case journal.Withdrawn:
		return "the state could not migrate"
	}
	return ""
}
