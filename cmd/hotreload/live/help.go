package live

import (
	"fmt"
	"strings"
)

// legend explains what is not said beside it.
var legend = []string{
	"workers  number, tick, generation, lateness of one tick in a hundred; ✗ is stuck",
	"late     worst of each second: ▁ to 32µs, two steps for ten times, █ from 32ms",
	"took     the same of how long ticks take, where they have no schedule",
	"pause    by swap: how late the first tick on the new code was; · not known yet",
}

// helpLines is what keys do, in place of the panels.
func (m model) helpLines(width int) []string {
	lines := make([]string, 0, len(bindings())+len(legend)+1)
	for _, b := range bindings() {
		long := b.long
		if b.brief == "quit" && m.own {
			long = "end the host, as Ctrl-C does"
		}
		lines = append(lines, fmt.Sprintf("  %s  %s", strong.Render(pad(b.show, 5)), long))
	}
	if m.height >= airyHeight {
		lines = append(lines, "")
		for _, line := range legend {
			lines = append(lines, fit(dim.Render(line), width))
		}
	}
	return lines
}

// foot is the last line: what the last key came to, what is wrong, or the keys.
func (m model) foot(width int) string {
	switch {
	case m.notice.text != "" && m.now.Before(m.notice.until):
		if m.notice.bad {
			return fit(bad.Render("✗ "+m.notice.text), width)
		}
		return fit(accent.Render("✓ "+m.notice.text), width)
	case m.busy != "":
		return accent.Render(m.busy + " …")
	case m.lost != nil:
		since := dim.Render("; trying again for " + span(m.now.Sub(m.lostSince)))
		return fit(bad.Render("✗ "+reason(m.lost))+since, width)
	}
	var keys []string
	for _, b := range bindings() {
		brief := b.brief
		if brief == "pause" && m.status.Paused {
			brief = "resume"
		}
		if brief != "" {
			keys = append(keys, strong.Render(b.show)+" "+dim.Render(brief))
		}
	}
	return fit(strings.Join(keys, "   "), width)
}
