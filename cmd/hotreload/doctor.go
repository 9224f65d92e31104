package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"hotreload/engine"
	"hotreload/engine/artifact"

	"github.com/spf13/cobra"
)

// diagnosis is what the doctor found: a report, or the refusal of a file that cannot be loaded.
type diagnosis struct {
	File     string            `json:"file"`
	Verdict  string            `json:"verdict"` // clean, warnings or refused
	Warnings int               `json:"warnings"`
	Refusal  *artifact.Refusal `json:"refusal,omitempty"`
	Report   *artifact.Report  `json:"report,omitempty"`
}

// newDoctor returns the command that looks at a library without loading it.
func newDoctor(t *terminal) *cobra.Command {
	var (
		format string
		strict bool
	)
	cmd := &cobra.Command{
		Use:   "doctor FILE.so",
		Short: "Look at a library without loading it: would it load, unload, and leave the host alone",
		Long: "Reads a library as the host does before it loads one, and lists what would keep it from being unloaded or\n" +
			"endanger the host, with the remedy. Exits with 0 if the library can be loaded, with or without warnings,\n" +
			"and with 11 if it is refused.",
		Args: oneLibrary,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			d, err := diagnose(args[0], strict)
			if err != nil {
				return err
			}
			if format == "json" {
				err = t.printJSON(d)
			} else {
				err = t.printDiagnosis(d)
			}
			if err == nil && d.Verdict == "refused" {
				err = exit(engine.ExitRefused)
			}
			return err
		},
		ValidArgsFunction: completeLibrary,
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "refuse a library with warnings")
	addFormat(cmd, &format)
	return cmd
}

// diagnose inspects a file.
func diagnose(path string, strict bool) (*diagnosis, error) {
	d := &diagnosis{File: path, Verdict: "clean"}
	var err error
	if d.Report, err = artifact.Inspect(path); err != nil {
		if !errors.As(err, &d.Refusal) {
			return nil, err
		}
		d.Verdict = "refused"
		return d, nil
	}
	for _, f := range d.Report.Findings {
		if f.Severity == artifact.Warn {
			d.Warnings++
		}
	}
	switch {
	case d.Warnings > 0 && strict:
		d.Verdict = "refused"
	case d.Warnings > 0:
		d.Verdict = "warnings"
	}
	return d, nil
}

// printDiagnosis writes the findings as a table and the outcome as a line.
func (t *terminal) printDiagnosis(d *diagnosis) error {
	var text strings.Builder
	if d.Report != nil && len(d.Report.Findings) > 0 {
		text.WriteString(t.findings(d.Report.Findings))
		text.WriteByte('\n')
	}
	text.WriteString(d.summary() + "\n")
	_, err := io.WriteString(t.stdout, text.String())
	return err
}

func (t *terminal) findings(findings []artifact.Finding) string {
	const severity = len("severity")
	rest := t.columns() - severity - 3*len(gap)
	finding := rest / 4
	why := (rest - finding) / 2
	g := &grid{widths: []int{severity, finding, why, rest - finding - why}}
	g.row(nil, "severity", "finding", "why", "remedy")
	coloured := t.onStdout().coloured()
	for _, f := range findings {
		var paint func(string) string
		if coloured && f.Severity == artifact.Warn {
			paint = func(s string) string { return "\x1b[1;31m" + s + resetColour }
		}
		g.row(paint, f.Severity.String(), f.Code+": "+f.Subject, f.Why, f.Remedy)
	}
	return g.lines.String()
}

// summary is the last line.
func (d *diagnosis) summary() string {
	if d.Refusal != nil {
		return fmt.Sprintf("%v; %s", d.Refusal, d.Refusal.Hint)
	}
	r := d.Report
	about := fmt.Sprintf("%s, %d bytes", r.Machine, r.Size)
	notes := len(r.Findings) - d.Warnings
	found := plural(d.Warnings, "warning") + ", " + plural(notes, "note")
	switch {
	case len(r.Findings) == 0:
		found = "nothing to complain about"
	case d.Verdict == "refused":
		found = "refused, because --strict allows no warnings: " + found
	case d.Warnings == 0:
		found = "no warnings, " + plural(notes, "note")
	case len(r.Pins()) > 0:
		found += "; it may stay in memory when it is replaced"
	}
	return fmt.Sprintf("%s (%s): %s", filepath.Base(d.File), about, found)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// oneLibrary wants exactly one argument.
func oneLibrary(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%s: expected a library (FILE.so), got nothing", cmd.Name())
	}
	return noArguments(cmd, args[1:])
}

func completeLibrary(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"so"}, cobra.ShellCompDirectiveFilterFileExt
}

// addFormat gives a command the flag that chooses between a table and JSON.
func addFormat(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVarP(format, "output", "o", "table", "`FORMAT`: table or json")
	must(cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp)))
}

func checkFormat(format string) error {
	if format != "table" && format != "json" {
		return fmt.Errorf("--output: expected table or json, got %q", format)
	}
	return nil
}

func (t *terminal) printJSON(v any) error {
	encoder := json.NewEncoder(t.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
