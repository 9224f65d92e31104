package state

import (
	"fmt"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxNameLength is the longest field name in bytes, as logic.h promises.
	maxNameLength = 255
	// flagShow is LOGIC_SHOW.
	flagShow = 1
)

// An Entry is one logic_field_t of a plugin's field table with its name already read: nothing in it has been checked.
type Entry struct {
	Name     string
	Type     uint32
	Offset   uint32
	Count    uint32
	Flags    uint32
	Reserved uint64
}

// A FieldError says what is wrong with one entry of a field table.
type FieldError struct {
	// Entry is the number of the entry, the first being 0.
	Entry int
	// Name is the entry's name as far as it can be shown.
	Name string
	// What is the part that is wrong: name, type, offset.
	What string
	// Expected and Actual are in words or figures.
	Expected, Actual string
}

// Error names the entry, what was expected and what was found.
func (e *FieldError) Error() string {
	return fmt.Sprintf("field table: entry %d (%q): %s: expected %s, got %s", e.Entry, e.Name, e.What, e.Expected, e.Actual)
}

// FromTable checks a plugin's field table against the size of its state and returns the layout it describes. Any bad
// entry is a *FieldError. Misaligned fields are allowed (packed structs exist), overlapping ones are not; bytes in no
// field are taken for padding. Flags and reserved bits that this host does not know are refused, since they may change
// what the rest of the entry means.
func FromTable(size uint64, entries []Entry) (*Layout, error) {
	if len(entries) == 0 {
		return nil, fmt.Errorf("field table: no entries, expected at least one")
	}
	if len(entries) > maxFields {
		return nil, fmt.Errorf("field table: %d entries, expected at most %d", len(entries), maxFields)
	}
	seen := make(map[string]int, len(entries))
	fields := make([]Field, 0, len(entries))
	for i, e := range entries {
		f, err := e.field(i, size)
		if err != nil {
			return nil, err
		}
		if first, dup := seen[e.Name]; dup {
			return nil, &FieldError{i, e.Name, "name", "a name of its own", fmt.Sprintf("that of entry %d", first)}
		}
		seen[e.Name] = i
		fields = append(fields, f)
	}
	l := newLayout(size, SourceTable, "", fields)
	for i := 1; i < len(l.Fields); i++ {
		before, f := l.Fields[i-1], l.Fields[i]
		if f.Offset < before.end() {
			return nil, &FieldError{seen[f.Name], f.Name, "offset",
				fmt.Sprintf("%d or more, behind %s", before.end(), before.Name), fmt.Sprint(f.Offset)}
		}
	}
	return l, nil
}

// field checks the entry by itself.
func (e Entry) field(i int, size uint64) (Field, error) {
	bad := func(what, expected, actual string) (Field, error) {
		return Field{}, &FieldError{i, printable(e.Name), what, expected, actual}
	}
	if expected, actual := checkName(e.Name); expected != "" {
		return bad("name", expected, actual)
	}
	if e.Type > uint32(Bytes) || !Kind(e.Type).Valid() {
		return bad("type", fmt.Sprintf("%d to %d", I8, Bytes), fmt.Sprint(e.Type))
	}
	if e.Count == 0 {
		return bad("count", "1 or more", "0")
	}
	if e.Flags&^flagShow != 0 {
		return bad("flags", "0 or LOGIC_SHOW (1)", fmt.Sprint(e.Flags))
	}
	if e.Reserved != 0 {
		return bad("reserved", "0", fmt.Sprint(e.Reserved))
	}
	kind := Kind(e.Type)
	over, length := bits.Mul64(uint64(e.Count), kind.Size())
	if over != 0 || length > size || uint64(e.Offset) > size-length {
		return bad("place", fmt.Sprintf("an end within the state's %d bytes", size),
			fmt.Sprintf("%d times %d bytes at offset %d", e.Count, kind.Size(), e.Offset))
	}
	return Field{
		Name: e.Name, Kind: kind, Offset: uint64(e.Offset), Size: length, Count: uint64(e.Count),
		Shown: e.Flags&flagShow != 0, pointers: kind == Pointer,
	}, nil
}

// checkName returns what a name had to be and what it is, or nothing if it is good. Names end up in log lines of the
// form name=value, so what would break such a line apart is refused.
func checkName(name string) (expected, actual string) {
	switch {
	case name == "":
		return "a name", "none"
	case len(name) > maxNameLength:
		return fmt.Sprintf("at most %d bytes", maxNameLength), fmt.Sprintf("%d bytes", len(name))
	case !utf8.ValidString(name):
		return "UTF-8", fmt.Sprintf("%q", name)
	}
	for _, r := range name {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == '=' || r == '"' {
			return "no spaces, quotes, equals signs or control characters", fmt.Sprintf("%q", name)
		}
	}
	return "", ""
}

// printable shortens a name that may be anything, for an error message.
func printable(name string) string {
	const most = 64
	if len(name) > most {
		name = name[:most] + "..."
	}
	return strings.ToValidUTF8(name, "?")
}
