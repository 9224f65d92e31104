package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const helpHead = `hotreload runs a native plugin (any language with the C ABI) on state that it owns, rebuilds the plugin
when its source changes, and swaps the new code in: no tick is skipped, no byte of state is lost, and a
plugin that does not build or does not match is refused while the old one runs on.

Usage:
  hotreload --watch PATH --build COMMAND [flags]
  hotreload demo | bench | doctor FILE.so | layout FILE.so | version | completion SHELL | help COMMAND
  hotreload tui | status | workers | generations | state | events | metrics | web    # of a host that runs
  hotreload reload | push FILE.so | rollback | pause | resume | step | pin | unpin | resize WORKERS    # on it
  hotreload snapshot save FILE | snapshot restore FILE    # its state, of all shards at one tick
  hotreload test SCRIPT.txtar...    # scripted ticks, edits and what must come of them
  hotreload replay JOURNAL    # the history that --journal has written, again
  hotreload pki init | key new | sign FILE.so    # to be trusted from elsewhere

Examples:
  hotreload --watch logic.c --build "cc -shared -fPIC -o logic.so logic.c" --tick-ms 100 --seed 123
  hotreload --watch src --build "make logic.so" --lib logic.so --shards 64 --workers 4
  hotreload --watch logic.c --build "cc -shared -fPIC -o logic.so logic.c" --ticks 10
  hotreload demo    # shows swaps and refusals on a plugin of its own
`

const helpTail = `
Settings come from the flags, else from variables (HOTRELOAD_TICK_MS for --tick-ms), else from
hotreload.toml (tick-ms = 100; lists as watch = ["a.c", "b.h"]), else the defaults above. Paths are relative
to the current directory, also those in the file. Variables hold lists as a.c:b.h (watch) or a,b (show).

The log goes to standard error. The first SIGINT or SIGTERM lets the running tick finish and calls the
plugin's shutdown; a second one ends at once with code 130 or 143.

Exit codes, after the last reload's outcome:
   0  success
   1  runtime error
   2  usage error: flags, variables or configuration file
   9  the last build failed
  10  the last plugin was refused by the ABI guard
  11  the last plugin was refused at inspection, trial or load
  12  the last plugin was rolled back after a fault, or the state could not migrate to it
`

// setHelp gives the root command its help text, with flags in groups; its children keep cobra's.
func setHelp(root *cobra.Command, groups []flagGroup) {
	standard := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if cmd != root {
			standard(cmd, args)
			return
		}
		var text strings.Builder
		text.WriteString(helpHead)
		for _, g := range groups {
			fmt.Fprintf(&text, "\n%s:\n", g.title)
			g.VisitAll(func(f *pflag.Flag) { describe(&text, f) })
		}
		text.WriteString(helpTail)
		cmd.Print(text.String())
	})
}

// describe writes a flag's entry in the help text: name and value, what it means, and its default where it has one.
func describe(text *strings.Builder, f *pflag.Flag) {
	const column = 27
	name := "  --" + f.Name
	if f.Value.Type() != "bool" {
		name += " " + f.Annotations[placeholder][0]
	}
	usage := f.Usage
	switch f.DefValue {
	case "", "0", "[]", "false":
	default:
		usage += " (default " + f.DefValue + ")"
	}
	indent := "\n" + strings.Repeat(" ", column)
	fmt.Fprintf(text, "%-*s%s\n", column, name, strings.ReplaceAll(usage, "\n", indent))
}
