package main

import (
	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newPin returns the command that has a host keep what it runs.
func newPin(t *terminal) *cobra.Command {
	return newOrder(t, &cobra.Command{
		Use:   "pin",
		Short: "Have a running host keep the generation that it runs",
		Long: "Has a running host keep the generation that it runs until 'hotreload unpin': changes of the sources are built and\n" +
			"go no further, and reload, push and rollback are refused. Only a fault still rolls back.",
	}, (*control.Client).Pin, func(s control.Status) string { return "pinned: " + runningText(s) })
}

// newUnpin returns the command that ends that.
func newUnpin(t *terminal) *cobra.Command {
	return newOrder(t, &cobra.Command{
		Use:   "unpin",
		Short: "Let a running host replace the generation that it runs again",
		Long:  "Lets a running host replace the generation that it runs again. What has changed meanwhile is swapped in now.",
	}, (*control.Client).Unpin, func(s control.Status) string { return "unpinned: " + runningText(s) })
}

func runningText(s control.Status) string {
	if s.Generation == nil {
		return "no generation"
	}
	return describeGeneration(*s.Generation)
}
