package build

import (
	"bytes"
	"strings"
)

// rank orders diagnostics by how well they say what is wrong; the first of the highest rank is shown.
type rank int

const (
	rankNone     rank = iota
	rankLine          // any line at all
	rankSummary       // says that something failed, not what: make, collect2
	rankUnmarked      // file:line:column without the word "error", as Go prints it
	rankShell         // the shell or make could not run a program
	rankLinker
	rankError
)

// maxLine is the number of bytes of a line that the finder looks at.
const maxLine = 4 << 10

// finder reads a build's output as it comes and keeps the diagnostics worth showing. Its memory does not grow with the
// output. The zero finder is ready for use, by one goroutine at a time.
type finder struct {
	line []byte // the unfinished last line, at most maxLine bytes of it

	best    Diagnostic
	rank    rank
	hint    string
	warning Diagnostic
	// waiting is the diagnostic, if any, whose place is still expected on one of the next lines, as rustc prints it.
	waiting *Diagnostic
}

// Write implements io.Writer; it never fails.
func (f *finder) Write(p []byte) (int, error) {
	total := len(p)
	for {
		part, rest, ended := bytes.Cut(p, []byte{'\n'})
		if room := maxLine - len(f.line); len(part) > room {
			part = part[:room]
		}
		f.line = append(f.line, part...)
		if !ended {
			return total, nil
		}
		f.endLine()
		p = rest
	}
}

// close takes what is left as the last line, for output that does not end in a newline.
func (f *finder) close() {
	if len(f.line) > 0 {
		f.endLine()
	}
}

func (f *finder) endLine() {
	line := stripTerminal(string(f.line))
	f.line = f.line[:0]
	if f.waiting != nil {
		if file, row, column, ok := rustPlace(line); ok {
			f.waiting.File, f.waiting.Line, f.waiting.Column = file, row, column
			f.waiting = nil
			return
		}
	}
	if f.rank == rankError && !f.warning.IsZero() || f.rank >= rankLine && !telling(line) {
		return // nothing better in it
	}
	found := recognise(line)
	if found.rank == rankNone {
		return
	}
	if found.rank > rankLine {
		f.waiting = nil // a place follows its message before any other message
	}
	if found.warning {
		if f.warning.IsZero() {
			f.warning = found.diagnostic
			f.awaitPlace(&f.warning)
		}
		return
	}
	if found.rank > f.rank {
		f.best, f.rank, f.hint = found.diagnostic, found.rank, found.hint
		f.awaitPlace(&f.best)
	}
}

func (f *finder) awaitPlace(d *Diagnostic) {
	if d.File == "" {
		f.waiting = d
	}
}

// stripTerminal removes what only a terminal understands: escape sequences (colours, hyperlinks) and everything that a
// carriage return would have overwritten.
func stripTerminal(line string) string {
	line = strings.TrimRight(line, "\r")
	if i := strings.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	if strings.IndexByte(line, 0x1b) < 0 {
		return line
	}
	return escapeSequence.ReplaceAllString(line, "")
}
