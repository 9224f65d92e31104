package main

import (
	"fmt"
	"strconv"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newRollback returns the command that has a host run an earlier artifact again.
func newRollback(t *terminal) *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:   "rollback [GENERATION]",
		Short: "Have a running host run an earlier library again",
		Long: "Has a running host publish the library of an earlier generation again, as a new one; without a number, that\n" +
			"of the one before. How many are kept is the host's --keep.",
		Args: func(cmd *cobra.Command, args []string) error { return noArguments(cmd, args[min(1, len(args)):]) },
		RunE: func(cmd *cobra.Command, args []string) error {
			generation := uint64(0)
			if len(args) == 1 {
				var err error
				if generation, err = strconv.ParseUint(args[0], 10, 64); err != nil || generation == 0 {
					return fmt.Errorf("rollback: expected the number of a generation, got %q", args[0])
				}
			}
			return t.talk(&c, func(client *control.Client) error {
				v, err := client.Rollback(cmd.Context(), generation)
				if err != nil {
					return err
				}
				return t.verdict(&c, v)
			})
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	t.addConnection(cmd, &c)
	return cmd
}
