package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/engine"

	"github.com/spf13/cobra"
)

const testLong = `Runs scripts that say what is done to a plugin and what must come of it. A script is a txtar file: commands,
then the files they need, each under a line with its name. Ticks run on a virtual clock, exactly as many as
the script says and as fast as they go, and sources are looked at when the script expects something of them:
a script has the same outcome on every machine. (With several workers a fault has not: the shards of the
others leave the faulty code a few ticks later, when they notice.)

  start FLAGS             run the plugin, with the flags of hotreload itself, and wait until it stands before
                          tick 0; ! start: the first build must be refused. One worker, unless --workers
                          says otherwise
  tick [N]                run N ticks of every shard, 1 without a number
  expect FIELD=VALUE...   fields of the state of shard 0; also != < <= > >=. Floats are equal when they agree
                          to six digits, == compares to the last. expect shard 3 ..., expect all ...
  expect swap             build, and the new code must be swapped in; it runs from the next tick on
  expect unchanged        build, and it must be the library that runs already
  expect refusal [STAGE] [REGEXP]
                          build, and the change must be refused: by that stage (build, inspect, trial, load,
                          guard, run), with such a message
  expect fault [REGEXP]   the plugin must have faulted; a fault that nothing expects fails the script
  ! expect ...            the opposite, for fields and faults
  rollback [GENERATION]   go back to the code before, or to that generation; ! rollback: it must be refused
  edit FILE OLD NEW       replace OLD, which must be there once, with NEW
  state [all]             print shard 0, or all, for stdout, cmp and the reader
  exit [CODE]             end the host, which would exit with that code, 0 if none is given

All else is testscript's: cp, rm, mkdir, exec, stdout, cmp, env, [conditions], ! for what must fail, # for
comments, single quotes around words with spaces (pkg.go.dev/github.com/rogpeppe/go-internal/testscript).
Each script runs in a directory of its own, $WORK, with a copy of logic.h; $DIR is the script's own directory.

Exit codes: 0 all scripts passed, 1 one failed, 2 usage error.`

const testExample = `  hotreload test logic/golden_path.txtar
  hotreload test -v tests/    # all .txtar files of a directory, and what each has done`

// rehearsal is one call of the test command.
type rehearsal struct {
	*terminal
	verbose bool
	work    bool // keep the directories
	format  string
	timeout time.Duration // of one script
}

// newTest returns the command that runs scripts of reloads.
func newTest(t *terminal) *cobra.Command {
	r := rehearsal{terminal: t}
	cmd := &cobra.Command{
		Use:     "test SCRIPT.txtar...",
		Short:   "Run scripts of ticks, edits and what must come of them, on a virtual clock",
		Long:    testLong,
		Example: testExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(r.format); err != nil {
				return err
			}
			if r.timeout <= 0 {
				return fmt.Errorf("--timeout: expected a positive time such as 90s or 2m, got %v", r.timeout)
			}
			scripts, err := findScripts(args)
			if err != nil {
				return err
			}
			return r.run(cmd.Context(), scripts)
		},
	}
	cmd.Flags().BoolVarP(&r.verbose, "verbose", "v", false, "print what each script has done, the host's log included")
	cmd.Flags().BoolVar(&r.work, "work", false, "keep the scripts' directories and print their names")
	cmd.Flags().DurationVar(&r.timeout, "timeout", 5*time.Minute, "`TIME` after which a script fails")
	addFormat(cmd, &r.format)
	cmd.ValidArgsFunction = cobra.FixedCompletions([]string{"txtar"}, cobra.ShellCompDirectiveFilterFileExt)
	return cmd
}

// findScripts returns the scripts that the arguments name: files, and directories for all scripts in them.
func findScripts(args []string) ([]string, error) {
	if len(args) == 0 {
		return nil, errors.New("test: expected a script or a directory of scripts (.txtar), got none")
	}
	var scripts []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, fmt.Errorf("test: expected a script or a directory of scripts: %w", err)
		}
		if !info.IsDir() {
			scripts = append(scripts, arg)
			continue
		}
		found, err := fs.Glob(os.DirFS(arg), "*.txtar")
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("test: no script in %s: expected files whose names end in .txtar", arg)
		}
		for _, name := range found {
			scripts = append(scripts, filepath.Join(arg, name))
		}
	}
	return scripts, nil
}

// scriptReport is what became of one script.
type scriptReport struct {
	Script  string  `json:"script"`
	Result  string  `json:"result"` // ok, skipped or failed
	Seconds float64 `json:"seconds"`
	Log     string  `json:"log,omitempty"` // of a script that failed, or of any if verbose
}

// run runs the scripts one after the other and reports each.
func (r *rehearsal) run(ctx context.Context, scripts []string) error {
	if !flag.Parsed() { // testscript's condition [short] asks for the flags of go test
		testing.Init()
		if err := flag.CommandLine.Parse(nil); err != nil {
			return err
		}
	}
	screen, err := r.logger("console", "info")
	if err != nil {
		return err
	}
	ctx, stop := withSignals(ctx, screen, func(s os.Signal) { os.Exit(signalCode(s)) })
	defer stop()
	failed := 0
	for _, script := range scripts {
		report := r.play(ctx, script)
		if report.Result == "failed" {
			failed++
		}
		if err := r.show(report); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return exit(signalCode(syscall.SIGINT))
		}
	}
	if failed == 0 {
		return nil
	}
	if r.format == "text" && len(scripts) > 1 {
		if err := r.say("%d of %d scripts failed\n", failed, len(scripts)); err != nil {
			return err
		}
	}
	return exit(engine.ExitRuntime)
}

// show prints what became of a script.
func (r *rehearsal) show(report scriptReport) error {
	if r.format == "json" {
		return json.NewEncoder(r.stdout).Encode(report)
	}
	if report.Log != "" && !strings.HasSuffix(report.Log, "\n") {
		report.Log += "\n"
	}
	return r.say("%s%-7s %s  %.2fs\n", report.Log, report.Result, report.Script, report.Seconds)
}
