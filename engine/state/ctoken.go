package state

import (
	"errors"
	"strings"
)

// A cToken is an identifier, a number, a quoted literal or a single punctuation character of C source text.
type cToken struct {
	text string
	kind cTokenKind
	// afterDirective says that a preprocessor line stands before this token and behind the one before it.
	afterDirective bool
}

type cTokenKind uint8

const (
	cIdentifier cTokenKind = iota
	cNumber
	cQuoted
	cPunctuation
)

// cText is C source text as tokens, comments and preprocessor lines removed.
type cText struct {
	tokens []cToken
	macros map[string]bool // names that #define gives a meaning
	packed bool            // there is a #pragma pack
}

var errUnterminated = errors.New("a comment or a quoted text does not end")

// tokenize splits source text. It does not expand macros, so whoever reads the tokens must refuse those that are one.
func tokenize(src []byte) (*cText, error) {
	text := &cText{macros: map[string]bool{}}
	s := strings.NewReplacer("\\\r\n", "", "\\\n", "", "\r\n", "\n").Replace(string(src))
	lineStart, directive := true, false
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\n':
			lineStart = true
			i++
			continue
		case c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f':
			i++
			continue
		case strings.HasPrefix(s[i:], "//"):
			i += lineEnd(s[i:])
			continue
		case strings.HasPrefix(s[i:], "/*"):
			end := strings.Index(s[i+2:], "*/")
			if end < 0 {
				return nil, errUnterminated
			}
			i += 2 + end + 2
			continue
		case c == '#' && lineStart:
			end := directiveEnd(s[i:])
			text.noteDirective(s[i+1 : i+end])
			directive = true
			i += end
			continue
		}
		length, kind := 1, cPunctuation
		switch {
		case c == '"' || c == '\'':
			kind = cQuoted
			if length = quotedEnd(s[i:]); length == 0 {
				return nil, errUnterminated
			}
		case isLetter(c):
			kind = cIdentifier
			length = wordEnd(s[i:])
		case c >= '0' && c <= '9':
			kind = cNumber
			length = wordEnd(s[i:])
		}
		text.tokens = append(text.tokens, cToken{s[i : i+length], kind, directive})
		lineStart, directive = false, false
		i += length
	}
	return text, nil
}

// noteDirective remembers what later tokens may depend on.
func (t *cText) noteDirective(line string) {
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '(' || r == '/' })
	if len(words) < 2 {
		return
	}
	switch {
	case words[0] == "define":
		t.macros[words[1]] = true
	case words[0] == "pragma" && strings.HasPrefix(words[1], "pack"):
		t.packed = true
	}
}

func lineEnd(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n
	}
	return len(s)
}

// directiveEnd returns the length of a preprocessor line. A comment that starts on it may go on over several lines.
func directiveEnd(s string) int {
	for i := 0; i < len(s); {
		switch {
		case s[i] == '\n':
			return i
		case strings.HasPrefix(s[i:], "//"):
			return i + lineEnd(s[i:])
		case strings.HasPrefix(s[i:], "/*"):
			end := strings.Index(s[i+2:], "*/")
			if end < 0 {
				return len(s)
			}
			i += 2 + end + 2
		case s[i] == '"':
			i += max(1, quotedEnd(s[i:]))
		default:
			i++
		}
	}
	return len(s)
}

// quotedEnd returns the length of the quoted text that s starts with, 0 if it does not end on its line.
func quotedEnd(s string) int {
	for i := 1; i < len(s) && s[i] != '\n'; i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return 0
}

func isLetter(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// wordEnd returns the length of the letters and digits that s starts with.
func wordEnd(s string) int {
	n := 0
	for n < len(s) && (isLetter(s[n]) || s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return n
}
