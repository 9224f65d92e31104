package main

import (
	"fmt"
	"os/signal"
	"syscall"

	"hotreload/cmd/hotreload/live"
	"hotreload/engine"
	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newTUI returns the command that shows a running host live.
func newTUI(t *terminal) *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:   "tui",
		Short: "Show a running host live; reload, roll back and pause it by a key",
		Long: "Shows a running host live: its generation, the stages of the last change, each worker, how ticks keep to their\n" +
			"schedule, the state of a shard, and the log. r reloads, b rolls back, p pauses, ? tells the other keys, q quits and\n" +
			"leaves the host alone. Connects again when the connection is lost. Needs a terminal of 60×16 or more; `hotreload\n" +
			"events -f` does without.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, out := t.screen()
			if err := live.Check(in, out, t.lookup); err != nil {
				return fmt.Errorf("tui: %w: `hotreload events -f` does without", err)
			}
			return t.talk(&c, func(client *control.Client) error {
				if _, err := client.Status(cmd.Context()); err != nil { // better said now than in an empty window
					return err
				}
				ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
				defer stop()
				err := live.Run(ctx, live.Config{
					Connect: func() (live.Source, error) { return t.connect(&c) }, Host: c.to, In: in, Out: out,
				})
				if err != nil { // it has said so
					return exit(engine.ExitRuntime)
				}
				return nil
			})
		},
	}
	t.addTarget(cmd, &c)
	return cmd
}
