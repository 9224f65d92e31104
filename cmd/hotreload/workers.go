package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newWorkers returns the command that shows what each worker does and how well it keeps time.
func newWorkers(t *terminal) *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:   "workers",
		Short: "Show what each worker of a running host does, and how well it keeps time",
		Long: "Shows what each worker of a running host does, how much later than scheduled its ticks started, and how long they\n" +
			"took: the median, one in a hundred and the worst so far. The last two seconds or so are not in these figures.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.talk(&c, func(client *control.Client) error {
				all, err := client.Workers(cmd.Context())
				if err != nil {
					return err
				}
				if c.format == "json" {
					return t.printJSON(all)
				}
				return t.say("%s", workersTable(all))
			})
		},
	}
	t.addConnection(cmd, &c)
	return cmd
}

func workersTable(all control.Workers) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, len(gap), ' ', 0)
	_, _ = fmt.Fprintln(table, "worker\tshards\ttick\tgeneration\tlate\t\t\ttook\t\t\t") // a strings.Builder takes all
	for _, w := range all.Workers {
		note := ""
		if w.Stuck > 0 {
			note = fmt.Sprintf("stuck for %v", inSeconds(w.Stuck))
		}
		_, _ = fmt.Fprintf(table, "%d\t%d to %d\t%d\t%d\t%s\t%s\t%s\n", w.Worker, w.FirstShard, w.FirstShard+w.Shards-1, w.Tick, w.Generation,
			distributionText(w.Late), distributionText(w.Took), note)
	}
	_, _ = fmt.Fprintf(table, "all\t\t\t\t%s\t%s\t\n", distributionText(all.Late), distributionText(all.Took))
	_ = table.Flush()
	return b.String()
}

// distributionText is three cells of a table.
func distributionText(d control.Distribution) string {
	if d.Count == 0 {
		return "-\t-\t-"
	}
	return fmt.Sprintf("%v\t%v\t%v", inSeconds(d.P50), inSeconds(d.P99), inSeconds(d.Max))
}

// inSeconds returns so many seconds, to two digits or so.
func inSeconds(s float64) time.Duration {
	took := time.Duration(s * float64(time.Second))
	for unit := time.Nanosecond; ; unit *= 10 {
		if took < 1000*unit {
			return took.Round(unit)
		}
	}
}
