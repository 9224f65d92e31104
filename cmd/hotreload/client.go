package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"hotreload/engine"
	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// connection is the flags by which a command finds the host it talks to.
type connection struct {
	to        string
	tokenFile string
	tls       string
	format    string
}

// addConnection gives a command those flags.
func (t *terminal) addConnection(cmd *cobra.Command, c *connection) {
	t.addTarget(cmd, c)
	addFormat(cmd, &c.format)
}

// addTarget gives a command those that say where the host is.
func (t *terminal) addTarget(cmd *cobra.Command, c *connection) {
	c.format = "table"
	address, _ := t.lookup("HOTRELOAD_TO")
	tokenFile, _ := t.lookup(variable("token-file"))
	cmd.Flags().StringVar(&c.to, "to", address, "`HOST`: unix:PATH or HOST:PORT (default: HOTRELOAD_TO, else the only one\nof this user that runs here)")
	cmd.Flags().StringVar(&c.tokenFile, "token-file", tokenFile, "`FILE` with the token for a host on loopback (default: hotreload/token in\nthe user's configuration directory)")
	cmd.Flags().StringVar(&c.tls, "tls", "", "`DIRECTORY` with certificates for a host elsewhere")
	must(cmd.MarkFlagDirname("tls"))
	must(cmd.MarkFlagFilename("token-file"))
	must(cmd.RegisterFlagCompletionFunc("to", cobra.NoFileCompletions))
}

// talk makes a client and has f use it; what f returns as an error becomes the exit code.
func (t *terminal) talk(c *connection, f func(*control.Client) error) error {
	if err := checkFormat(c.format); err != nil {
		return err
	}
	client, err := t.connect(c)
	if err != nil {
		return t.fail(c, err)
	}
	defer client.Close()
	if err := f(client); err != nil {
		return t.fail(c, err)
	}
	return nil
}

func (t *terminal) connect(c *connection) (*control.Client, error) {
	to := control.Target{Address: c.to, TokenFile: c.tokenFile, TLS: c.tls}
	if to.Address == "" {
		path, err := control.Discover(control.SocketDir(t.lookup))
		if err != nil {
			return nil, err
		}
		to.Address = "unix:" + path
	}
	return control.NewClient(to)
}

// fail says what went wrong, and returns the exit code for it. An error that has said so itself stays as it is.
func (t *terminal) fail(c *connection, err error) error {
	var said exitCode
	if errors.As(err, &said) {
		return err
	}
	code := engine.ExitRuntime
	if p := (*control.Problem)(nil); errors.As(err, &p) {
		code = p.ExitCode
		if c.format == "json" {
			if err := t.printJSON(p); err != nil {
				return err
			}
			return exit(code)
		}
		if p.Stage != "" {
			err = fmt.Errorf("%s at %s: %s", p.Result, p.Stage, p.Detail)
		}
	}
	_, _ = fmt.Fprintf(t.stderr, "hotreload: %s\n", printable(err.Error())) // there is nowhere else to complain
	return exit(max(code, engine.ExitRuntime))
}

// printable takes from text that another machine has sent what would make a terminal do things.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' || r == '\t' {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// say writes one formatted text to standard output.
func (t *terminal) say(format string, args ...any) error {
	_, err := fmt.Fprint(t.stdout, printable(fmt.Sprintf(format, args...)))
	return err
}

// verdict prints what became of a change, and turns it into the exit code.
func (t *terminal) verdict(c *connection, v control.Verdict) error {
	if c.format == "json" {
		if err := t.printJSON(v); err != nil {
			return err
		}
		return exit(v.ExitCode)
	}
	text := v.Result
	if g := v.Generation; g != nil {
		text += ": " + describeGeneration(*g)
	}
	if err := t.say("%s\n", text); err != nil {
		return err
	}
	return exit(v.ExitCode)
}

// newOrder completes the command of an order that has no parameters: told says what the host was like after it.
func newOrder(
	t *terminal, cmd *cobra.Command, order func(*control.Client, context.Context) (control.Status, error), told func(control.Status) string,
) *cobra.Command {
	var c connection
	cmd.Args = noArguments
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return t.order(cmd.Context(), &c, order, told) }
	t.addConnection(cmd, &c)
	return cmd
}

// order gives an order to a host and prints what it was like after it.
func (t *terminal) order(
	ctx context.Context, c *connection, order func(*control.Client, context.Context) (control.Status, error), told func(control.Status) string,
) error {
	return t.talk(c, func(client *control.Client) error {
		s, err := order(client, ctx)
		if err != nil {
			return err
		}
		if c.format == "json" {
			return t.printJSON(s)
		}
		return t.say("%s\n", told(s))
	})
}

// describeGeneration is a generation on one line.
func describeGeneration(g control.Generation) string {
	return fmt.Sprintf("generation %d, %s (%.12s)", g.Number, g.Library, g.Hash)
}
