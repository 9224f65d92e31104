package build

import "strings"

// word is one word of a shell command.
type word struct {
	text string
	// literal is false when the shell would expand the word: text is then not what the command gets to see.
	literal bool
}

// splitCommands splits a shell script into simple commands and these into words, quotes and backslashes resolved and
// redirections left out. It is a reading aid, not a shell: it knows nothing of control structures, functions or
// here-documents, and whatever it does not understand comes out as ordinary words.
func splitCommands(script string) [][]word {
	s := splitter{rest: script}
	for s.rest != "" {
		s.step()
	}
	s.endCommand()
	return s.commands
}

type splitter struct {
	rest     string
	commands [][]word
	words    []word
	text     strings.Builder
	open     bool // a word has begun, which may still be empty ("")
	expands  bool // the word at hand holds an expansion
	redirect bool // the next word is the operand of a redirection
}

// step consumes at least one byte of the script.
func (s *splitter) step() {
	c := s.rest[0]
	s.rest = s.rest[1:]
	switch c {
	case ' ', '\t', '\r':
		s.endWord()
	case '\n', ';', '&', '|', '(', ')':
		s.endCommand()
	case '#':
		if s.open {
			s.text.WriteByte(c)
			return
		}
		if end := strings.IndexByte(s.rest, '\n'); end >= 0 {
			s.rest = s.rest[end:]
		} else {
			s.rest = ""
		}
	case '<', '>':
		s.beginRedirection()
	case '\'':
		s.open = true
		body, rest, _ := strings.Cut(s.rest, "'")
		s.text.WriteString(body)
		s.rest = rest
	case '"':
		s.open = true
		s.doubleQuoted()
	case '\\':
		s.escaped()
	default:
		s.open = true
		s.expands = s.expands || strings.IndexByte("$`*?[", c) >= 0
		s.text.WriteByte(c)
	}
}

func (s *splitter) escaped() {
	if s.rest == "" {
		return
	}
	c := s.rest[0]
	s.rest = s.rest[1:]
	if c != '\n' { // backslash-newline joins lines
		s.open = true
		s.text.WriteByte(c)
	}
}

func (s *splitter) doubleQuoted() {
	for s.rest != "" {
		c := s.rest[0]
		s.rest = s.rest[1:]
		switch {
		case c == '"':
			return
		case c == '\\' && s.rest != "" && strings.IndexByte("$`\"\\\n", s.rest[0]) >= 0:
			s.escaped()
		default:
			s.expands = s.expands || c == '$' || c == '`'
			s.text.WriteByte(c)
		}
	}
}

// beginRedirection ends the word at hand, dropping it if it is the number of a descriptor (the 2 of 2>), and marks the
// next word as the redirection's operand.
func (s *splitter) beginRedirection() {
	if strings.Trim(s.text.String(), "0123456789") == "" {
		s.text.Reset()
		s.open = false
	}
	s.endWord()
	s.rest = strings.TrimLeft(s.rest, "<>&|")
	s.redirect = true
}

func (s *splitter) endWord() {
	if !s.open {
		return
	}
	if !s.redirect {
		s.words = append(s.words, word{text: s.text.String(), literal: !s.expands})
	}
	s.text.Reset()
	s.open, s.expands, s.redirect = false, false, false
}

func (s *splitter) endCommand() {
	s.endWord()
	s.redirect = false
	if len(s.words) > 0 {
		s.commands = append(s.commands, s.words)
		s.words = nil
	}
}
