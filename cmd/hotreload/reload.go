package main

import (
	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

const exitCodesOfVerdicts = "The exit code is that of the reload's outcome: 0, also if nothing has changed; 9 for a failed build, 10 for a\n" +
	"refusal by the ABI guard, 11 at inspection, trial or load, 12 for a library that has faulted; 1 for the rest."

// newReload returns the command that has a host build and swap.
func newReload(t *terminal) *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have a running host build and swap now, and wait for the verdict",
		Long:  "Has a running host build and swap now, whether or not a source has changed, and waits for the verdict.\n" + exitCodesOfVerdicts,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.talk(&c, func(client *control.Client) error {
				v, err := client.Reload(cmd.Context())
				if err != nil {
					return err
				}
				return t.verdict(&c, v)
			})
		},
	}
	t.addConnection(cmd, &c)
	return cmd
}
