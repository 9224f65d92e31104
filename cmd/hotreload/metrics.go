package main

import (
	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newMetrics returns the command that shows what a host answers to Prometheus.
func newMetrics(t *terminal) *cobra.Command {
	var (
		c       connection
		grafana bool
	)
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "Show the metrics of a running host, or a dashboard for them",
		Long: "Shows the metrics of a running host as /metrics answers them to Prometheus; with --grafana a dashboard to import\n" +
			"into Grafana, for which no host is needed.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if grafana {
				return t.say("%s", control.Dashboard)
			}
			return t.talk(&c, func(client *control.Client) error {
				text, err := client.Metrics(cmd.Context())
				if err != nil {
					return err
				}
				return t.say("%s", text)
			})
		},
	}
	cmd.Flags().BoolVar(&grafana, "grafana", false, "print a Grafana dashboard instead")
	t.addTarget(cmd, &c)
	return cmd
}
