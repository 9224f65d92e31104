package live

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// clean takes from text that a host has sent what would make a terminal do things, and line ends.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// fit cuts a line to width, the last character telling that it was longer.
func fit(line string, width int) string { return ansi.Truncate(line, max(width, 0), "…") }

// pad fills a line up to width.
func pad(line string, width int) string {
	return line + strings.Repeat(" ", max(width-ansi.StringWidth(line), 0))
}

// wrapped breaks text between words into at most most lines, the last of which is cut.
func wrapped(text string, width, most int) []string {
	lines := strings.Split(ansi.Wrap(text, max(width, 1), ""), "\n")
	if len(lines) > most {
		rest := strings.Join(lines[most-1:], " ")
		lines = append(lines[:most-1], fit(rest, width))
	}
	return lines
}

// packed joins parts with sep into lines of at most width, and no more than most of them: parts that are too many are left
// out. A line that goes on from the one before begins with sep.
func packed(parts []string, sep string, width, most int) (lines []string) {
	line := ""
	for _, part := range parts {
		switch {
		case line == "":
			line = part
		case ansi.StringWidth(line+sep+part) <= width:
			line += dim.Render(sep) + part
		case len(lines)+1 == most:
			return append(lines, fit(line, width))
		default:
			lines, line = append(lines, fit(line, width)), dim.Render(strings.TrimLeft(sep, " "))+part
		}
	}
	return append(lines, fit(line, width))
}

// span is a duration in three digits at most, which is all that anybody reads.
func span(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return digits(d.Seconds(), "s")
	case d >= time.Millisecond:
		return digits(float64(d)/1e6, "ms")
	case d >= time.Microsecond:
		return digits(float64(d)/1e3, "µs")
	}
	return fmt.Sprintf("%dns", d)
}

func digits(value float64, unit string) string {
	if value < 9.95 {
		return fmt.Sprintf("%.1f%s", value, unit)
	}
	return fmt.Sprintf("%.0f%s", value, unit)
}

// plural is a count with its noun.
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// seconds is the duration of a figure in seconds.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
