package main

import (
	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newWeb returns the command that says where a host's web page is.
func newWeb(t *terminal) *cobra.Command {
	var (
		c    connection
		role string
	)
	cmd := &cobra.Command{
		Use:   "web --to HOST:PORT",
		Short: "Print the address of a running host's web page, with a token",
		Long: "Prints the address of the web page of a host that runs with --web, for a browser to open. What follows # in it is\n" +
			"a token: whoever has it has its role.",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			allowed, err := control.ParseRole(role)
			if err != nil {
				return err
			}
			url, err := control.PageURL(control.Target{Address: c.to, TokenFile: c.tokenFile, TLS: c.tls}, allowed)
			if err != nil {
				return t.fail(&c, err)
			}
			return t.say("%s\n", url)
		},
	}
	cmd.Flags().StringVar(&role, "role", control.Operate.String(), "`ROLE` of the token: read, operate or deploy")
	t.addTarget(cmd, &c)
	must(cmd.RegisterFlagCompletionFunc("role",
		cobra.FixedCompletions([]string{"read", "operate", "deploy"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}
