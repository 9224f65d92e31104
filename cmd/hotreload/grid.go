package main

import (
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// grid is a table whose cells are broken into lines where they are too long.
type grid struct {
	widths []int // of the columns, in characters
	lines  strings.Builder
}

const gap = "  " // between two columns

// row adds a row of as many cells as there are columns. paint may change what the first cell looks like, after it has
// been filled up to its width.
func (g *grid) row(paint func(string) string, cells ...string) {
	broken := make([][]string, len(cells))
	height := 1
	for i, cell := range cells {
		broken[i] = wrap(cell, g.widths[i])
		height = max(height, len(broken[i]))
	}
	for y := range height {
		var line strings.Builder
		for i, parts := range broken {
			part := ""
			if y < len(parts) {
				part = parts[y]
			}
			part += strings.Repeat(" ", max(0, g.widths[i]-utf8.RuneCountInString(part)))
			if i == 0 && paint != nil {
				part = paint(part)
			}
			if i > 0 {
				line.WriteString(gap)
			}
			line.WriteString(part)
		}
		g.lines.WriteString(strings.TrimRight(line.String(), " "))
		g.lines.WriteByte('\n')
	}
}

// wrap breaks text between words into lines of at most width characters, and longer words anywhere.
func wrap(text string, width int) (lines []string) {
	line, used := "", 0
	for word := range strings.FieldsSeq(text) {
		if n := utf8.RuneCountInString(word); used > 0 && used+1+n > width {
			lines, line, used = append(lines, line), "", 0
		} else if used > 0 {
			line, used = line+" ", used+1
		}
		letters := []rune(word)
		for used+len(letters) > width {
			lines, letters = append(lines, line+string(letters[:width-used])), letters[width-used:]
			line, used = "", 0
		}
		line, used = line+string(letters), used+len(letters)
	}
	return append(lines, line)
}

// columns is the width of standard output in characters: that of the terminal, else one that is comfortable to read.
func (t *terminal) columns() int {
	const usual, least = 120, 60
	file, ok := t.stdout.(*os.File)
	if !ok {
		return usual
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 {
		return usual
	}
	return max(int(size.Col), least)
}

// onStdout is t with standard output in the place of standard error, for what decides about colours.
func (t *terminal) onStdout() *terminal {
	return &terminal{stdout: t.stdout, stderr: t.stdout, lookup: t.lookup}
}
