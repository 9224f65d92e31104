package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newRoot returns the command line: the root command runs the host, the others stand below it.
func newRoot(t *terminal) *cobra.Command {
	var line settings
	groups := line.bind()
	root := &cobra.Command{
		Use:           "hotreload --watch PATH --build COMMAND [flags]",
		Short:         "Run a native plugin and swap in its new code on every save, without losing state",
		Args:          noArguments,
		SilenceErrors: true,

		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		Version:                    readVersion().String(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, from, err := resolve(cmd.Flags(), t.lookup)
			if err != nil {
				return err
			}
			if err := s.check(from); err != nil {
				return err
			}
			return t.run(cmd.Context(), &s)
		},
	}
	root.SetOut(t.stdout)
	root.SetErr(t.stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.Flags().SortFlags = false
	for _, g := range groups {
		root.Flags().AddFlagSet(g.FlagSet)
	}
	completeValues(root)
	setHelp(root, groups)
	root.AddCommand(newDemo(t), newTest(t), newReplay(t), newBench(t), newDoctor(t), newLayout(t), newVersion(t))
	root.AddCommand(
		newTUI(t), newStatus(t), newGenerations(t), newState(t), newSnapshot(t), newEvents(t), newReload(t), newPush(t), newRollback(t),
		newWorkers(t), newMetrics(t), newWeb(t), newPause(t), newResume(t), newStep(t), newPin(t), newUnpin(t), newResize(t),
		newPKI(t), newKey(t), newSign(t),
	)
	return root
}

// completeValues teaches the shell completions what the values of flags are.
func completeValues(root *cobra.Command) {
	for flag, values := range choices {
		must(root.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
	}
	must(root.MarkFlagDirname("dir"))
	must(root.MarkFlagFilename("config", "toml"))
	must(root.MarkFlagFilename("lib", "so"))
	must(root.MarkFlagDirname("tls"))
	for _, flag := range []string{
		"build", "build-timeout", "tick-ms", "seed", "ticks", "shards", "workers", "max-catchup", "poll-ms", "debounce-ms",
		"tick-deadline", "tick-kill", "probation-ticks", "keep", "show", "state-type", "listen",
	} {
		must(root.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions))
	}
}

// must panics if the command line is declared wrongly: a flag that does not exist, or declared twice.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("command line: %v", err))
	}
}

// noArguments refuses arguments that are no flags. The usual one is the rest of a build command without quotes.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.Flags().Changed("build") {
		return fmt.Errorf(`unexpected argument %q: expected only flags (--build takes its command as one word: --build "cc ...")`,
			args[0])
	}
	if cmd.HasParent() {
		return fmt.Errorf("unexpected argument %q: %s takes no more", args[0], cmd.CommandPath())
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("unknown command %q: did you mean %s?", args[0], near[0])
	}
	return fmt.Errorf("unexpected argument %q: expected flags or a command", args[0])
}

// flagError says in the words of the other usage errors what the flag parser found.
func flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &invalid):
		name := invalid.GetFlag().Name
		if expectation(name) == "" {
			return err
		}
		return origin{}.refuse(name, invalid.GetValue())
	case errors.As(err, &missing):
		name := missing.GetFlag().Name
		if expectation(name) == "" {
			return err
		}
		return fmt.Errorf("--%s: expected %s, got nothing", name, expectation(name))
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return fmt.Errorf(`unknown flag -%s: flags have two dashes, and --build takes its command as one word: --build "cc ..."`,
			unknown.GetSpecifiedShortnames())
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if near := nearestFlag(cmd, name); near != "" {
			return fmt.Errorf("unknown flag --%s: did you mean --%s?", name, near)
		}
		return fmt.Errorf("unknown flag --%s", name)
	}
	return err
}

// nearestFlag returns the flag that shares the longest start with name, at least three letters, or "".
func nearestFlag(cmd *cobra.Command, name string) (near string) {
	name = strings.ReplaceAll(name, "_", "-")
	longest := 2
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		shared := 0
		for shared < min(len(name), len(f.Name)) && name[shared] == f.Name[shared] {
			shared++
		}
		if shared > longest {
			near, longest = f.Name, shared
		}
	})
	return near
}
