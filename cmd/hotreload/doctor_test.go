package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"hotreload/engine/artifact"

	"pgregory.net/rapid"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"one", 5, []string{"one"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 3, []string{"one", "two", "thr", "ee"}},
		{"a abcdefgh b", 4, []string{"a", "abcd", "efgh", "b"}},
		{"ünï cödé", 3, []string{"ünï", "cöd", "é"}},
	} {
		if got := wrap(c.text, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%q in %d: got %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestWrapLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zé ]{0,60}`).Draw(t, "text")
		width := rapid.IntRange(1, 20).Draw(t, "width")
		lines := wrap(text, width)
		for _, line := range lines {
			if utf8.RuneCountInString(line) > width {
				t.Errorf("%q is longer than %d", line, width)
			}
		}
		if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(text, " ", ""); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestRowsAreAligned(t *testing.T) {
	g := &grid{widths: []int{4, 6, 6}}
	g.row(strings.ToUpper, "warn", "one two", "three") // stands for a colour: it takes no room
	g.row(nil, "info", "", "four five")
	const want = "" +
		"WARN  one     three\n" +
		"      two\n" +
		"info          four\n" +
		"              five\n"
	if got := g.lines.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSummary(t *testing.T) {
	report := func(findings ...artifact.Finding) *artifact.Report {
		return &artifact.Report{Machine: "x86-64", Size: 10, Findings: findings}
	}
	warn, pin, info := artifact.Finding{Severity: artifact.Warn}, artifact.Finding{Severity: artifact.Warn, Pins: true}, artifact.Finding{}
	for _, c := range []struct {
		d    diagnosis
		want string
	}{
		{diagnosis{Report: report()}, "a.so (x86-64, 10 bytes): nothing to complain about"},
		{diagnosis{Report: report(info)}, "a.so (x86-64, 10 bytes): no warnings, 1 note"},
		{diagnosis{Report: report(warn, info, info), Warnings: 1}, "a.so (x86-64, 10 bytes): 1 warning, 2 notes"},
		{diagnosis{Report: report(pin, warn), Warnings: 2},
			"a.so (x86-64, 10 bytes): 2 warnings, 0 notes; it may stay in memory when it is replaced"},
		{diagnosis{Report: report(pin), Warnings: 1, Verdict: "refused"},
			"a.so (x86-64, 10 bytes): refused, because --strict allows no warnings: 1 warning, 0 notes"},
		{diagnosis{Refusal: &artifact.Refusal{File: "dir/a.so", Check: artifact.CheckSize, Expected: "x", Actual: "y", Hint: "z"}},
			"dir/a.so: refused (size): expected x, found y; z"},
	} {
		c.d.File = "dir/a.so"
		if got := c.d.summary(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
