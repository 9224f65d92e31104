package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newGenerations returns the command that lists the generations that are loaded.
func newGenerations(t *terminal) *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:   "generations",
		Short: "List the generations that a running host has loaded",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.talk(&c, func(client *control.Client) error {
				all, err := client.Generations(cmd.Context())
				if err != nil {
					return err
				}
				if c.format == "json" {
					return t.printJSON(all)
				}
				return t.say("%s", generationsTable(all))
			})
		},
	}
	t.addConnection(cmd, &c)
	return cmd
}

func generationsTable(all control.Generations) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, len(gap), ' ', 0)
	_, _ = fmt.Fprintln(table, "generation\tepoch\tfrom tick\tlibrary\thash\t") // a strings.Builder takes all
	for _, g := range all.Generations {
		note := "retired"
		if g.Number == all.Running {
			note = "running"
		}
		_, _ = fmt.Fprintf(table, "%d\t%d\t%d\t%s\t%.12s\t%s\n", g.Number, g.Epoch, g.Activation, g.Library, g.Hash, note)
	}
	_ = table.Flush()
	return b.String()
}
