package build

import "strings"

// rules is what a make-style dependency file says: the files that are built and the files they are built from.
type rules struct {
	targets, prerequisites []string
}

// parseDepfile reads a make-style dependency file as compilers write it: rules "target...: prerequisite...", one or
// many, continued over lines by a backslash; "\ " for a space, "\#" for a hash, "$$" for a dollar, comments. Lines
// without a colon, such as the last one of a half-written file, are passed over. Names come out in order, unresolved and
// possibly repeated.
func parseDepfile(content string) rules {
	var all rules
	for line := range joinedLines(content) {
		var names []string
		colon := false
		for len(line) > 0 {
			var name string
			var ends bool
			name, ends, line = nextName(line)
			if name != "" {
				if colon {
					all.prerequisites = append(all.prerequisites, name)
				} else {
					names = append(names, name)
				}
			}
			if ends && !colon {
				colon = true
				all.targets = append(all.targets, names...)
			}
		}
	}
	return all
}

// joinedLines yields the lines of content with continuation lines joined.
func joinedLines(content string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var joined strings.Builder
		for line := range strings.Lines(content) {
			line = strings.TrimRight(line, "\r\n")
			if continued, ok := strings.CutSuffix(line, `\`); ok && !strings.HasSuffix(continued, `\`) {
				joined.WriteString(continued)
				joined.WriteByte(' ')
				continue
			}
			joined.WriteString(line)
			if !yield(joined.String()) {
				return
			}
			joined.Reset()
		}
		if joined.Len() > 0 {
			yield(joined.String())
		}
	}
}

// nextName takes one name from the front of a line. ends reports that the name was closed by the colon that ends a
// rule's targets: one followed by white space or the end of the line, so that a colon within a name is part of it.
func nextName(line string) (name string, ends bool, rest string) {
	line = strings.TrimLeft(line, " \t")
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t':
			return b.String(), false, line[i:]
		case '#':
			return b.String(), false, ""
		case ':':
			if i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t' {
				return b.String(), true, line[i+1:]
			}
			b.WriteByte(c)
		case '$':
			if i+1 < len(line) && line[i+1] == '$' {
				i++
			}
			b.WriteByte(c)
		case '\\':
			// Before a space, backslashes are doubled and one more escapes it; before anything but a hash or a colon
			// they are literal.
			run := 1
			for i+run < len(line) && line[i+run] == '\\' {
				run++
			}
			next := byte(0)
			if i+run < len(line) {
				next = line[i+run]
			}
			i += run - 1
			switch {
			case next == ' ' || next == '\t':
				writeBackslashes(&b, run/2)
				if run%2 == 1 {
					b.WriteByte(next)
					i++
				}
			case next == '#' || next == ':' && !endsTargets(line, i+1):
				writeBackslashes(&b, run-1)
				b.WriteByte(next)
				i++
			default:
				writeBackslashes(&b, run)
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), false, ""
}

// endsTargets reports whether the colon at i is followed by white space or nothing.
func endsTargets(line string, i int) bool {
	return i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t'
}

func writeBackslashes(b *strings.Builder, n int) {
	for range n {
		b.WriteByte('\\')
	}
}
