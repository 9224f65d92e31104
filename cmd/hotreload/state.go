package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newState returns the command that shows the state of shards.
func newState(t *terminal) *cobra.Command {
	var (
		c            connection
		first, count int
	)
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Show the state of shards of a running host, all at one tick",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.talk(&c, func(client *control.Client) error {
				s, err := client.State(cmd.Context(), first, count)
				if err != nil {
					return err
				}
				if c.format == "json" {
					return t.printJSON(s)
				}
				return t.say("%s", stateText(s))
			})
		},
	}
	cmd.Flags().IntVar(&first, "shard", 0, "number `N` of the first shard to show")
	cmd.Flags().IntVar(&count, "count", 1, "`N` shards to show")
	t.addConnection(cmd, &c)
	for _, flag := range []string{"shard", "count"} {
		must(cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions))
	}
	return cmd
}

func stateText(s control.State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "tick %d, generation %d, %d bytes a shard, layout from %s\n", s.Tick, s.Generation, s.Size, s.Source)
	for _, shard := range s.Shards {
		fmt.Fprintf(&b, "shard %d", shard.Shard)
		for _, f := range shard.Fields {
			value, err := json.Marshal(f.Value)
			if err != nil {
				value = []byte("?")
			}
			fmt.Fprintf(&b, " %s=%s", f.Name, value)
		}
		if shard.Hex != "" {
			b.WriteString(" " + shard.Hex)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
