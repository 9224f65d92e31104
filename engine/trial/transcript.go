package trial

import (
	"strings"
	"unicode"
)

// MaxOutput bounds what is kept of a child's output, in bytes: its end.
const MaxOutput = 64 << 10

// transcript keeps the end of what is written to it. It is used by one goroutine at a time.
type transcript struct {
	kept []byte // at most twice MaxOutput, so that moving it costs little per byte
}

// Write implements io.Writer; it never fails.
func (t *transcript) Write(p []byte) (int, error) {
	n := len(p)
	if n > MaxOutput {
		p = p[n-MaxOutput:]
	}
	if len(t.kept)+len(p) > 2*MaxOutput {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-MaxOutput:]...)
	}
	t.kept = append(t.kept, p...)
	return n, nil
}

// String returns at most MaxOutput bytes.
func (t *transcript) String() string {
	return string(t.kept[max(0, len(t.kept)-MaxOutput):])
}

// lastLine returns the last line of text that is not blank, without what a terminal would obey, and bounded.
func lastLine(text string) string {
	text = strings.TrimRightFunc(text, unicode.IsSpace)
	line := strings.ToValidUTF8(text[strings.LastIndexByte(text, '\n')+1:], "?")
	line = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, line))
	const most = 200
	if runes := []rune(line); len(runes) > most {
		line = string(runes[:most]) + "…"
	}
	return line
}
