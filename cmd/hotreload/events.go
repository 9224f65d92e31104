package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newEvents returns the command that shows what happens in a host.
func newEvents(t *terminal) *cobra.Command {
	var (
		c      connection
		follow bool
	)
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what has happened in a running host, and with -f what happens",
		Long: "Shows the events that a running host has kept. With -f it goes on with those that come, until the host ends.\n" +
			"With -o json each event is one line.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.talk(&c, func(client *control.Client) error {
				show := func(ev control.Event) error { return t.showEvent(&c, ev) }
				if follow {
					return client.Follow(cmd.Context(), show, func(gap control.Gap) error { return t.showGap(&c, gap) })
				}
				all, err := client.Events(cmd.Context())
				for _, ev := range all.Events {
					if err == nil {
						err = show(ev)
					}
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with the events that come")
	t.addConnection(cmd, &c)
	return cmd
}

func (t *terminal) showEvent(c *connection, ev control.Event) error {
	if c.format == "json" {
		return json.NewEncoder(t.stdout).Encode(ev)
	}
	return t.say("%s %s\n", ev.Time.Local().Format("15:04:05.000"), eventText(ev))
}

func (t *terminal) showGap(c *connection, gap control.Gap) error {
	if c.format == "json" {
		return json.NewEncoder(t.stdout).Encode(struct {
			Kind string `json:"kind"`
			control.Gap
		}{control.KindGap, gap})
	}
	if gap.Restarted {
		return t.say("the host has been started anew\n")
	}
	return t.say("events %d to %d are not kept any more\n", gap.From, gap.To)
}

func eventText(ev control.Event) string {
	parts := []string{ev.Kind}
	if ev.Generation != nil {
		parts = append(parts, describeGeneration(*ev.Generation))
	}
	parts = append(parts, ev.Paths...)
	switch {
	case ev.Stage != "":
		parts = append(parts, "at "+ev.Stage+": "+ev.Error)
	case ev.Error != "":
		parts = append(parts, ev.Error)
	}
	if len(ev.Seconds) > 0 {
		var stages []string
		for _, name := range slices.Sorted(maps.Keys(ev.Seconds)) {
			took := time.Duration(ev.Seconds[name] * float64(time.Second))
			stages = append(stages, fmt.Sprintf("%s %v", name, took.Round(time.Microsecond)))
		}
		parts = append(parts, "["+strings.Join(stages, ", ")+"]")
	}
	return strings.Join(parts, " ")
}
