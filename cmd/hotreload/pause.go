package main

import (
	"context"
	"fmt"
	"strconv"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newPause returns the command that stops a host's simulation.
func newPause(t *terminal) *cobra.Command {
	return newOrder(t, &cobra.Command{
		Use:   "pause",
		Short: "Stop the simulation of a running host, all shards in front of one tick",
		Long: "Stops the simulation of a running host, and returns when all shards stand in front of one tick. Reloads go on:\n" +
			"their code runs when the simulation does. Pausing twice is no error.",
	}, (*control.Client).Pause, standing)
}

// newResume returns the command that lets it run on.
func newResume(t *terminal) *cobra.Command {
	return newOrder(t, &cobra.Command{
		Use:   "resume",
		Short: "Let the paused simulation of a running host run on",
		Long:  "Lets the paused simulation of a running host run on. The time it stood still is not made up for.",
	}, (*control.Client).Resume, func(control.Status) string { return "resumed" })
}

// newStep returns the command that runs a paused simulation for some ticks.
func newStep(t *terminal) *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:   "step [TICKS]",
		Short: "Run the paused simulation of a running host for one tick, or as many as given",
		Args:  func(cmd *cobra.Command, args []string) error { return noArguments(cmd, args[min(1, len(args)):]) },
		RunE: func(cmd *cobra.Command, args []string) error {
			ticks := uint64(1)
			if len(args) == 1 {
				var err error
				if ticks, err = strconv.ParseUint(args[0], 10, 32); err != nil || ticks == 0 {
					return fmt.Errorf("step: expected a number of ticks, at least 1, got %q", args[0])
				}
			}
			step := func(client *control.Client, ctx context.Context) (control.Status, error) {
				return client.Step(ctx, ticks)
			}
			return t.order(cmd.Context(), &c, step, standing)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	t.addConnection(cmd, &c)
	return cmd
}

func standing(s control.Status) string { return fmt.Sprintf("paused after %d ticks", s.Ticks) }
