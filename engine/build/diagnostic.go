package build

import (
	"fmt"
	"strings"
	"unicode"
)

// Diagnostic is one message of a compiler, a linker, make or the shell.
type Diagnostic struct {
	// File is the file the message is about, as the tool spelled it; empty if it named none.
	File string `json:"file,omitempty"`
	// Line counts from 1; 0 if the tool gave none.
	Line int `json:"line,omitempty"`
	// Column counts from 1; 0 if the tool gave none.
	Column int `json:"column,omitempty"`
	// Severity is the tool's word in lower case ("error", "fatal error", "warning"); empty if it used none.
	Severity string `json:"severity,omitempty"`
	// Text is the message in one line, typographic quotes replaced by ASCII ones.
	Text string `json:"text,omitempty"`
}

// IsZero reports whether there is no message.
func (d Diagnostic) IsZero() bool { return d == Diagnostic{} }

// String returns the message in its short form, "severity: text", without the place.
func (d Diagnostic) String() string {
	if d.Severity == "" {
		return d.Text
	}
	return d.Severity + ": " + d.Text
}

// Place returns "file:line:column" as far as these are known, else "".
func (d Diagnostic) Place() string {
	switch {
	case d.File == "" || d.Line == 0:
		return d.File
	case d.Column == 0:
		return fmt.Sprintf("%s:%d", d.File, d.Line)
	default:
		return fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
	}
}

// maxText bounds Diagnostic.Text, in runes; template errors can fill a screen.
const maxText = 300

var plainQuotes = strings.NewReplacer("‘", "'", "’", "'", "“", `"`, "”", `"`)

// cleanText makes one printable line of a message: quotes plain, white space single, control characters gone.
func cleanText(text string) string {
	text = plainQuotes.Replace(strings.ToValidUTF8(text, "\uFFFD"))
	var b strings.Builder
	runes, space := 0, false
	for _, r := range text {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if !unicode.IsPrint(r) {
			continue
		}
		if runes >= maxText {
			b.WriteString("...")
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
		runes++
	}
	return evenQuotes(b.String())
}

// evenQuotes turns the linker's `name' into 'name'; a name between two backquotes, as rustc writes it, stays.
func evenQuotes(text string) string {
	for from := 0; ; {
		open := strings.IndexByte(text[from:], '`')
		if open < 0 {
			return text
		}
		open += from
		end := strings.IndexAny(text[open+1:], "`'")
		if end < 0 {
			return text
		}
		end += open + 1
		if text[end] == '\'' {
			text = text[:open] + "'" + text[open+1:]
		}
		from = end + 1
	}
}
