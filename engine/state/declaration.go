package state

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// FromDeclaration reads the layout from a plain C declaration of the state in source text: `typedef struct { ... } T;`
// or `struct T { ... };` with scalar members, pointers to scalars or void, and arrays with literal lengths. typeName is
// DefaultTypeName if empty. Offsets are the natural ones of 64-bit Linux (x86-64 and arm64 agree), and the result counts
// only if it comes out at exactly size bytes.
//
// This is for display: it lets the host show the fields of a plugin that was built without -g and has no field table.
// It sees one file, not what the compiler saw, so anything beyond the plainest form is an error, never a guess, and
// neither Compatible nor Plan relies on such a layout.
func FromDeclaration(src []byte, typeName string, size uint64) (*Layout, error) {
	if typeName == "" {
		typeName = DefaultTypeName
	}
	l, err := fromDeclaration(src, typeName, size)
	if err != nil {
		return nil, fmt.Errorf("declaration of %s in the source text: %w", typeName, err)
	}
	return l, nil
}

func fromDeclaration(src []byte, typeName string, size uint64) (*Layout, error) {
	text, err := tokenize(src)
	if err != nil {
		return nil, err
	}
	if text.packed {
		return nil, errors.New("#pragma pack is in effect")
	}
	if name := text.redefined(); name != "" {
		return nil, fmt.Errorf("the source gives %s a meaning of its own", name)
	}
	bodies := text.bodies(typeName)
	switch len(bodies) {
	case 0:
		return nil, errors.New("there is none")
	case 1:
	default:
		return nil, fmt.Errorf("there are %d", len(bodies))
	}
	p := &memberParser{text: text, rest: bodies[0], align: 1, names: map[string]bool{}}
	for len(p.rest) > 0 {
		if err := p.declaration(); err != nil {
			return nil, err
		}
	}
	if len(p.fields) == 0 {
		return nil, errors.New("it has no members")
	}
	total := (p.end + p.align - 1) / p.align * p.align
	if total != size {
		return nil, fmt.Errorf("expected %d bytes, its members make %d", size, total)
	}
	return newLayout(size, SourceDeclaration, typeName, p.fields), nil
}

// scalars are the types whose members are understood, by their words in alphabetical order.
var scalars = map[string]Kind{
	"char": Char, "char signed": I8, "char unsigned": U8,
	"short": I16, "int short": I16, "short signed": I16, "int short signed": I16,
	"short unsigned": U16, "int short unsigned": U16,
	"int": I32, "signed": I32, "int signed": I32, "unsigned": U32, "int unsigned": U32,
	"long": I64, "int long": I64, "long signed": I64, "int long signed": I64,
	"long unsigned": U64, "int long unsigned": U64,
	"long long": I64, "int long long": I64, "long long signed": I64, "int long long signed": I64,
	"long long unsigned": U64, "int long long unsigned": U64,
	"float": F32, "double": F64, "_Bool": Bool, "bool": Bool,
	"int8_t": I8, "int16_t": I16, "int32_t": I32, "int64_t": I64, "intptr_t": I64, "ptrdiff_t": I64, "ssize_t": I64,
	"uint8_t": U8, "uint16_t": U16, "uint32_t": U32, "uint64_t": U64, "uintptr_t": U64, "size_t": U64,
}

// typeWords are all words of scalars, and those that may accompany them.
var typeWords = func() map[string]bool {
	words := map[string]bool{"const": true, "volatile": true, "void": true}
	for name := range scalars {
		for _, w := range strings.Fields(name) {
			words[w] = true
		}
	}
	return words
}()

// redefined returns a word of a type that a macro or a typedef in the text gives another meaning.
func (t *cText) redefined() string {
	for word := range t.macros {
		if typeWords[word] {
			return word
		}
	}
	for i, tok := range t.tokens {
		if tok.text != "typedef" {
			continue
		}
		depth := 0
		for j := i + 1; j < len(t.tokens); j++ {
			switch t.tokens[j].text {
			case "{", "(":
				depth++
			case "}", ")":
				depth--
			}
			if next := t.tokens[j].text; depth == 0 && (next == ";" || next == ",") {
				if name := t.tokens[j-1].text; typeWords[name] {
					return name
				}
				if next == ";" {
					break
				}
			}
		}
	}
	return ""
}

// bodies returns the members' tokens of every struct definition that typeName means.
func (t *cText) bodies(typeName string) [][]cToken {
	var found [][]cToken
	toks := t.tokens
	at := func(i int) string {
		if i >= 0 && i < len(toks) {
			return toks[i].text
		}
		return ""
	}
	for i, tok := range toks {
		if tok.text != "struct" {
			continue
		}
		open, tag := i+1, ""
		if at(open) != "{" {
			tag = at(open)
			open++
		}
		if at(open) != "{" {
			continue
		}
		end := open + 1
		for depth := 1; end < len(toks); end++ {
			switch toks[end].text {
			case "{":
				depth++
			case "}":
				depth--
			}
			if depth == 0 {
				break
			}
		}
		typedefed := at(i-1) == "typedef" && at(end+1) == typeName && at(end+2) == ";"
		tagged := tag == typeName && at(end+1) == ";" && at(i-1) != "typedef"
		if typedefed || tagged {
			found = append(found, toks[open+1:min(end, len(toks))])
		}
	}
	return found
}

// A memberParser reads member declarations and lays the members out.
type memberParser struct {
	text   *cText
	rest   []cToken
	fields []Field
	names  map[string]bool
	end    uint64
	align  uint64
}

// take returns the next token if there is one that may be relied on.
func (p *memberParser) take() (cToken, error) {
	if len(p.rest) == 0 {
		return cToken{}, errors.New("it ends inside a member")
	}
	tok := p.rest[0]
	p.rest = p.rest[1:]
	if tok.afterDirective {
		return tok, errors.New("there is a preprocessor line inside it")
	}
	if p.text.macros[tok.text] {
		return tok, fmt.Errorf("%s is a macro", tok.text)
	}
	return tok, nil
}

// declaration reads one type and its declarators up to the semicolon.
func (p *memberParser) declaration() error {
	var words []string
	for len(p.rest) > 0 && typeWords[p.rest[0].text] {
		tok, err := p.take()
		if err != nil {
			return err
		}
		if tok.text != "const" && tok.text != "volatile" {
			words = append(words, tok.text)
		}
	}
	if len(words) == 0 {
		tok, err := p.take()
		if err != nil {
			return err
		}
		return fmt.Errorf("%s is not a plain type", tok.text)
	}
	spelled := strings.Join(words, " ")
	slices.Sort(words)
	kind, known := scalars[strings.Join(words, " ")]
	if !known && spelled != "void" {
		return fmt.Errorf("%s is not a plain type", spelled)
	}
	for {
		more, err := p.declarator(kind, spelled)
		if err != nil || !more {
			return err
		}
	}
}

// declarator reads one name with its stars and lengths and reports whether another one follows. kind is 0 for void.
func (p *memberParser) declarator(kind Kind, spelled string) (more bool, err error) {
	tok, err := p.take()
	stars := 0
	for err == nil && (tok.text == "*" || stars > 0 && (tok.text == "const" || tok.text == "volatile")) {
		if tok.text == "*" {
			stars++
		}
		tok, err = p.take()
	}
	if err != nil {
		return false, err
	}
	if tok.kind != cIdentifier || typeWords[tok.text] {
		return false, fmt.Errorf("%s where a member's name was expected", tok.text)
	}
	name := tok.text
	if stars > 0 {
		kind = Pointer
		spelled += " " + strings.Repeat("*", stars)
	} else if kind == 0 {
		return false, fmt.Errorf("member %s is void", name)
	}
	count := uint64(1)
	for {
		if tok, err = p.take(); err != nil {
			return false, err
		}
		switch tok.text {
		case ",", ";":
			return tok.text == ",", p.place(name, kind, count, spelled)
		case "[":
			n, err := p.length()
			if err != nil {
				return false, fmt.Errorf("member %s: %w", name, err)
			}
			over, product := bits.Mul64(count, n)
			if over != 0 || product > maxStateSize {
				return false, fmt.Errorf("member %s: the array is too long", name)
			}
			count = product
			spelled += fmt.Sprintf("[%d]", n)
		default:
			return false, fmt.Errorf("%s behind member %s", tok.text, name)
		}
	}
}

// length reads a literal array length and the closing bracket.
func (p *memberParser) length() (uint64, error) {
	number, err := p.take()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimRight(number.text, "uUlL"), 0, 32)
	if err != nil || n == 0 || strings.Contains(number.text, "_") || strings.HasPrefix(strings.ToLower(number.text), "0o") {
		return 0, fmt.Errorf("the length %s is not a plain number", number.text)
	}
	closing, err := p.take()
	if err != nil {
		return 0, err
	}
	if closing.text != "]" {
		return 0, fmt.Errorf("%s in an array's length", closing.text)
	}
	return n, nil
}

// place lays out the next member.
func (p *memberParser) place(name string, kind Kind, count uint64, spelled string) error {
	if p.names[name] {
		return fmt.Errorf("two members are called %s", name)
	}
	if len(p.fields) == maxFields {
		return fmt.Errorf("more than %d members", maxFields)
	}
	if expected, actual := checkName(name); expected != "" {
		return fmt.Errorf("a member's name: expected %s, got %s", expected, actual)
	}
	p.names[name] = true
	align := kind.Size()
	offset := (p.end + align - 1) / align * align
	length := count * kind.Size()
	p.fields = append(p.fields, Field{
		Name: name, Kind: kind, Type: spelled, Offset: offset, Size: length, Count: count, pointers: kind == Pointer,
	})
	p.end = offset + length
	p.align = max(p.align, align)
	return nil
}
