package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version says what this binary was built from.
type version struct {
	Version  string `json:"version"`            // of the module, "(devel)" in a working copy
	Revision string `json:"revision,omitempty"` // of the version control system
	Modified bool   `json:"modified,omitempty"` // the working copy had changes beyond Revision
	Time     string `json:"time,omitempty"`     // of Revision, RFC 3339
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// readVersion reads what the Go toolchain recorded in the binary.
func readVersion() version {
	v := version{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Revision = setting.Value
		case "vcs.modified":
			v.Modified = setting.Value == "true"
		case "vcs.time":
			v.Time = setting.Value
		}
	}
	return v
}

// String returns the version on one line.
func (v version) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "hotreload %s", v.Version)
	if v.Revision != "" {
		fmt.Fprintf(&b, " revision %.12s", v.Revision)
		if v.Modified {
			b.WriteString(" (modified)")
		}
	}
	fmt.Fprintf(&b, " %s %s", v.Go, v.Platform)
	return b.String()
}

// newVersion returns the command that prints the version.
func newVersion(t *terminal) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version and what it was built from",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			switch format {
			case "text":
				_, err := fmt.Fprintln(t.stdout, readVersion())
				return err
			case "json":
				encoder := json.NewEncoder(t.stdout)
				encoder.SetIndent("", "  ")
				return encoder.Encode(readVersion())
			}
			return fmt.Errorf("--output: expected text or json, got %q", format)
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "text", "`FORMAT`: text or json")
	must(cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}
