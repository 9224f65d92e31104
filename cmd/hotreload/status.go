package main

import (
	"fmt"
	"strings"
	"time"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newStatus returns the command that shows what a host does.
func newStatus(t *terminal) *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what a running host does",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.talk(&c, func(client *control.Client) error {
				s, err := client.Status(cmd.Context())
				if err != nil {
					return err
				}
				if c.format == "json" {
					return t.printJSON(s)
				}
				return t.say("%s", statusText(s))
			})
		},
	}
	t.addConnection(cmd, &c)
	return cmd
}

func statusText(s control.Status) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	switch {
	case !s.Running:
		line("generation", "none: the host is starting or ending")
	case s.Generation == nil:
		line("generation", "none: waiting for a first good build")
	default:
		line("generation", "%d, %s (%.12s) since tick %d%s", s.Generation.Number, s.Generation.Library,
			s.Generation.Hash, s.Generation.Activation, mark(s.Pin, "pinned"))
	}
	line("ticks", "%d of %s on %s%s", s.Ticks, plural(s.Shards, "shard"), plural(s.Workers, "worker"), mark(s.Paused, "paused"))
	line("reloads", "%d swapped, %d rejected, %d faulty", s.Swaps, s.Rejections, s.Faults)
	line("last", "%s", outcomeText(s.Outcome))
	line("libraries", "%d loaded, %d unmapped, %d stay mapped", s.Loaded, s.Reclaimed, s.Pinned)
	line("host", "process %d, up %v", s.PID, time.Duration(s.Uptime*float64(time.Second)).Round(time.Second))
	return b.String()
}

// mark returns a word to stand behind others if it applies.
func mark(applies bool, word string) string {
	if applies {
		return ", " + word
	}
	return ""
}

func outcomeText(o control.Outcome) string {
	switch {
	case o.Stage != "":
		return fmt.Sprintf("%s at %s: %s", o.Result, o.Stage, o.Error)
	case o.Error != "":
		return o.Result + ": " + o.Error
	}
	return o.Result
}
