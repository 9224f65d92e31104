package main

import (
	"context"
	"fmt"
	"strconv"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newResize returns the command that changes the number of a host's workers.
func newResize(t *terminal) *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:   "resize WORKERS",
		Short: "Change the number of worker threads of a running host",
		Long: "Changes the number of worker threads of a running host, at most one per shard. They change at one tick, and no\n" +
			"tick of any shard is lost.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("resize: expected a number of workers")
			}
			return noArguments(cmd, args[1:])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			workers, err := strconv.Atoi(args[0])
			if err != nil {
				return fmt.Errorf("resize: expected a number of workers, got %q", args[0])
			}
			resize := func(client *control.Client, ctx context.Context) (control.Status, error) {
				return client.Resize(ctx, workers)
			}
			return t.order(cmd.Context(), &c, resize, func(s control.Status) string { return plural(s.Workers, "worker") })
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	t.addConnection(cmd, &c)
	return cmd
}
