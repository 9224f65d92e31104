package state

import (
	"debug/dwarf"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// DefaultTypeName is the name under which the state's type is looked for when none is given.
const DefaultTypeName = "state_t"

// ErrNoDWARF says that a library carries no debug information: it was built without -g, or stripped.
var ErrNoDWARF = errors.New("no debug information (build with -g)")

// A DWARFError says why the debug information of a library yields no layout.
type DWARFError struct {
	// Path is the library.
	Path string
	// Type is the type that was looked for.
	Type string
	// Reason says what is wrong and, where there is a cure, what to do.
	Reason string
	// Sizes are the sizes in bytes of the types of that name, if there are any but none has the expected size.
	Sizes []uint64
	// Err is the cause, nil if there is none.
	Err error
}

// Error names the library, the type and the reason.
func (e *DWARFError) Error() string {
	s := fmt.Sprintf("layout of %s from the debug information of %s: %s", e.Type, e.Path, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *DWARFError) Unwrap() error { return e.Err }

// maxDebugSize bounds the debug sections in bytes, decompressed: compressed sections can claim a thousand times the size
// of the file.
const maxDebugSize = 1 << 28

// FromDWARF reads the layout of the state from the debug information of the library at path (C, C++ or Rust, DWARF 2 to
// 5, compressed or not). typeName is a typedef, struct or class, bare or qualified ("game::state_t"), DefaultTypeName if
// empty. Of several types of that name the one of the given size in bytes is meant; if there is none, or if two of that
// size differ in their fields, that is an error.
//
// A library without debug information gives ErrNoDWARF, anything else that stands in the way a *DWARFError. The work is
// bounded in time and memory whatever the file holds.
func FromDWARF(path, typeName string, size uint64) (*Layout, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &DWARFError{Path: path, Type: typeName, Reason: "cannot be read", Err: err}
	}
	defer func() { _ = file.Close() }()
	return fromELF(file, path, typeName, size)
}

// fromELF is FromDWARF on an open file. debug/elf and debug/dwarf read bytes that nobody has vouched for, and their
// documentation does not promise an error for all of them; a panic there is an unreadable library, not the end of the
// host, hence the recover.
func fromELF(r io.ReaderAt, path, typeName string, size uint64) (layout *Layout, err error) {
	typeName = strings.TrimSpace(typeName)
	for _, tag := range []string{"struct ", "class ", "union "} {
		typeName = strings.TrimPrefix(typeName, tag)
	}
	if typeName == "" {
		typeName = DefaultTypeName
	}
	fail := func(reason string, cause error) error {
		return &DWARFError{Path: path, Type: typeName, Reason: reason, Err: cause}
	}
	defer func() {
		if p := recover(); p != nil {
			layout, err = nil, fail(fmt.Sprintf("malformed: %v", p), nil)
		}
	}()

	data, err := debugData(r)
	if errors.Is(err, ErrNoDWARF) {
		return nil, fmt.Errorf("layout of %s from %s: %w", typeName, path, err)
	}
	if err != nil {
		return nil, fail("unreadable", err)
	}
	reader := &dieReader{data: data, budget: maxEntries}
	found, err := scan(reader, typeName, size)
	if err != nil {
		return nil, fail("unreadable", err)
	}
	if len(found.candidates) == 0 {
		return nil, fail(found.explainMissing(size), nil)
	}
	return choose(reader, found, size, func(reason string, sizes []uint64, cause error) error {
		return &DWARFError{Path: path, Type: typeName, Reason: reason, Sizes: sizes, Err: cause}
	})
}

// choose takes the one candidate of the expected size.
func choose(reader *dieReader, found *scanned, size uint64, fail func(string, []uint64, error) error) (*Layout, error) {
	types := newTypeReader(reader)
	var chosen *Layout
	var sizes []uint64
	var broken error
	for _, c := range found.candidates {
		t, err := types.resolve(c.offset, 0)
		if err != nil {
			broken = err
			continue
		}
		if t.size != size {
			sizes = append(sizes, t.size)
			continue
		}
		l, err := types.layout(t, c.name)
		if err != nil {
			broken = err
			continue
		}
		if chosen != nil && chosen.Hash() != l.Hash() {
			return nil, fail(fmt.Sprintf("two different types of %d bytes have this name; give the qualified name", size), nil, nil)
		}
		chosen = l
	}
	switch {
	case chosen != nil:
		return chosen, nil
	case broken != nil:
		return nil, fail("not usable", nil, broken)
	}
	return nil, fail(fmt.Sprintf("expected %d bytes, found %s", size, joinSizes(sizes)), sizes, nil)
}

func joinSizes(sizes []uint64) string {
	var words []string
	seen := map[uint64]bool{}
	for _, s := range sizes {
		if !seen[s] {
			seen[s] = true
			words = append(words, fmt.Sprint(s))
		}
	}
	return strings.Join(words, ", ")
}

// debugData opens those sections that types need. The package's own way (elf.File.DWARF) would read all of them, line
// tables and macros included, and has no bound on what a compressed section unfolds to.
func debugData(r io.ReaderAt) (*dwarf.Data, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("not an ELF file: %w", err)
	}
	sections := map[string][]byte{}
	var total uint64
	for _, s := range f.Sections {
		name, ok := strings.CutPrefix(s.Name, ".debug_")
		if !ok {
			name, ok = strings.CutPrefix(s.Name, ".zdebug_")
		}
		switch name {
		case "abbrev", "info", "str", "line_str", "str_offsets", "addr":
		default:
			ok = false
		}
		if !ok || s.Type == elf.SHT_NOBITS || s.Size == 0 || sections[name] != nil {
			continue
		}
		if total += s.Size; s.Size > maxDebugSize || total > maxDebugSize {
			return nil, fmt.Errorf("%d bytes of debug information, expected at most %d", total, maxDebugSize)
		}
		if sections[name], err = s.Data(); err != nil {
			return nil, fmt.Errorf("section %s: %w", s.Name, err)
		}
	}
	if len(sections["info"]) == 0 {
		return nil, ErrNoDWARF
	}
	data, err := dwarf.New(sections["abbrev"], nil, nil, sections["info"], nil, nil, nil, sections["str"])
	if err != nil {
		return nil, fmt.Errorf("parse the units: %w", err)
	}
	for _, name := range []string{"line_str", "str_offsets", "addr"} {
		if sections[name] == nil {
			continue
		}
		if err := data.AddSection(".debug_"+name, sections[name]); err != nil {
			return nil, fmt.Errorf("section .debug_%s: %w", name, err)
		}
	}
	return data, nil
}
