package state

import (
	"debug/dwarf"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// maxEntries bounds the entries read for one layout. A Rust plugin with the standard library's information has some
	// hundred thousand.
	maxEntries = 8 << 20
	// maxReadTime bounds the same in time, for a file made to be slow.
	maxReadTime = 5 * time.Second
	// attrGNUDwoName is DW_AT_GNU_dwo_name, by which DWARF 4 names the file that split information went to.
	attrGNUDwoName dwarf.Attr = 0x2130
	// maxHints bounds the type names that an error proposes.
	maxHints = 5
)

// A dieReader reads entries of the debug information and counts them against a budget.
type dieReader struct {
	data     *dwarf.Data
	budget   int
	deadline time.Time
}

var errTooLarge = errors.New("more debug information than can be read in reasonable time")

// next returns the next entry, nil at the end.
func (d *dieReader) next(r *dwarf.Reader) (*dwarf.Entry, error) {
	if d.budget--; d.budget < 0 {
		return nil, errTooLarge
	}
	if d.budget%4096 == 0 {
		now := time.Now()
		if d.deadline.IsZero() {
			d.deadline = now.Add(maxReadTime)
		}
		if now.After(d.deadline) {
			return nil, errTooLarge
		}
	}
	e, err := r.Next()
	if err != nil {
		return nil, fmt.Errorf("read an entry: %w", err)
	}
	return e, nil
}

// at returns the entry at an offset and a reader that stands behind it.
func (d *dieReader) at(offset dwarf.Offset) (*dwarf.Entry, *dwarf.Reader, error) {
	r := d.data.Reader()
	r.Seek(offset)
	e, err := d.next(r)
	if err != nil {
		return nil, nil, err
	}
	if e == nil || e.Offset != offset {
		return nil, nil, fmt.Errorf("no entry at offset %#x", offset)
	}
	return e, r, nil
}

// skip moves r behind the children of e, which r has just returned. dwarf.Reader.SkipChildren recurses once for each
// level of nesting, and levels cost a hostile file a byte each; this loop does not.
func (d *dieReader) skip(r *dwarf.Reader, e *dwarf.Entry) error {
	if !e.Children {
		return nil
	}
	if sibling, ok := e.Val(dwarf.AttrSibling).(dwarf.Offset); ok && sibling > e.Offset {
		r.Seek(sibling)
		return nil
	}
	for depth := 1; depth > 0; {
		kid, err := d.next(r)
		switch {
		case err != nil:
			return err
		case kid == nil:
			return errors.New("the entries end inside a tree")
		case kid.Tag == 0:
			depth--
		case kid.Children:
			depth++
		}
	}
	return nil
}

// children calls visit for each direct child of e, which r has just returned. visit must not use r.
func (d *dieReader) children(r *dwarf.Reader, e *dwarf.Entry, visit func(*dwarf.Entry) error) error {
	if !e.Children {
		return nil
	}
	for {
		kid, err := d.next(r)
		if err != nil {
			return err
		}
		if kid == nil || kid.Tag == 0 {
			return nil
		}
		if err := visit(kid); err != nil {
			return err
		}
		if err := d.skip(r, kid); err != nil {
			return err
		}
	}
}

// name returns the name of e, looked up at the declaration if e is a definition that refers to one.
func (d *dieReader) name(e *dwarf.Entry) string {
	if name, ok := e.Val(dwarf.AttrName).(string); ok {
		return name
	}
	if at, ok := e.Val(dwarf.AttrSpecification).(dwarf.Offset); ok {
		if declaration, _, err := d.at(at); err == nil {
			name, _ := declaration.Val(dwarf.AttrName).(string)
			return name
		}
	}
	return ""
}

// A candidate is a type that has the name of the state's type.
type candidate struct {
	offset dwarf.Offset
	name   string // qualified
}

// scanned is what one pass over the debug information found.
type scanned struct {
	candidates []candidate
	declared   bool     // a type of that name is declared but not defined
	split      string   // the file that split information went to
	hints      []string // structs of the expected size
}

// explainMissing says why there is no candidate, and what to do.
func (s *scanned) explainMissing(size uint64) string {
	switch {
	case s.split != "":
		return fmt.Sprintf("the types lie in a file of their own, %s; build without -gsplit-dwarf", s.split)
	case s.declared:
		return "the type is declared but not defined; a unit that defines it must be built with -g"
	case len(s.hints) > 0:
		return fmt.Sprintf("no type of this name; of %d bytes are: %s", size, strings.Join(s.hints, ", "))
	}
	return "no type of this name"
}

// scan goes through all units for types called typeName. It looks into namespaces and types, not into functions.
func scan(d *dieReader, typeName string, size uint64) (*scanned, error) {
	found := &scanned{}
	wanted := splitName(typeName)
	r := d.data.Reader()
	var path []string // one component for each open scope, "" for a unit or an unnamed scope
	for {
		e, err := d.next(r)
		if err != nil {
			return nil, err
		}
		if e == nil {
			return found, nil
		}
		descend := false
		name := ""
		switch e.Tag {
		case 0:
			if len(path) > 0 {
				path = path[:len(path)-1]
			}
			continue
		case dwarf.TagCompileUnit, dwarf.TagPartialUnit, dwarf.TagTypeUnit, dwarf.TagSkeletonUnit:
			path = path[:0]
			descend = true
			found.noteSplit(e)
		case dwarf.TagNamespace, dwarf.TagModule:
			descend = true
			name = d.name(e)
		case dwarf.TagStructType, dwarf.TagClassType, dwarf.TagUnionType, dwarf.TagTypedef:
			descend = e.Tag != dwarf.TagTypedef
			name = d.name(e)
			found.noteType(e, path, name, wanted, size)
		}
		if !e.Children {
			continue
		}
		if !descend {
			if err := d.skip(r, e); err != nil {
				return nil, err
			}
			continue
		}
		path = append(path, name)
	}
}

func (s *scanned) noteSplit(unit *dwarf.Entry) {
	for _, attr := range []dwarf.Attr{dwarf.AttrDwoName, attrGNUDwoName} {
		if file, ok := unit.Val(attr).(string); ok {
			s.split = file
		}
	}
}

func (s *scanned) noteType(e *dwarf.Entry, path []string, name string, wanted []string, size uint64) {
	if name == "" {
		return
	}
	matches := nameMatches(path, name, wanted)
	declared, _ := e.Val(dwarf.AttrDeclaration).(bool)
	switch {
	case matches && declared:
		s.declared = true
	case matches:
		s.candidates = append(s.candidates, candidate{e.Offset, qualify(path, name)})
	case e.Val(dwarf.AttrByteSize) == int64(size) && len(s.hints) < maxHints:
		s.hints = append(s.hints, qualify(path, name))
	}
}

// qualify joins the named scopes and the name.
func qualify(path []string, name string) string {
	var b strings.Builder
	for _, scope := range path {
		if scope != "" {
			b.WriteString(scope)
			b.WriteString("::")
		}
	}
	b.WriteString(name)
	return b.String()
}

// nameMatches reports whether the last components of the path and the name are the wanted ones.
func nameMatches(path []string, name string, wanted []string) bool {
	last := len(wanted) - 1
	if name != wanted[last] {
		return false
	}
	wanted = wanted[:last]
	for i := len(path) - 1; i >= 0 && len(wanted) > 0; i-- {
		if path[i] == "" {
			continue
		}
		if path[i] != wanted[len(wanted)-1] {
			return false
		}
		wanted = wanted[:len(wanted)-1]
	}
	return len(wanted) == 0
}

// splitName splits a qualified name at "::" outside angle brackets. There is at least one component.
func splitName(name string) []string {
	var parts []string
	depth, start := 0, 0
	for i := 0; i < len(name); i++ {
		switch {
		case name[i] == '<':
			depth++
		case name[i] == '>' && depth > 0:
			depth--
		case depth == 0 && strings.HasPrefix(name[i:], "::"):
			if i > start {
				parts = append(parts, name[start:i])
			}
			i++
			start = i + 1
		}
	}
	return append(parts, name[start:])
}
