package state

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// layout flattens an aggregate into the layout of a state.
func (tr *typeReader) layout(t *dwarfType, name string) (*Layout, error) {
	if !t.aggregate() {
		return nil, fmt.Errorf("it is %s, expected a struct", t.spelled)
	}
	flat := &flattener{types: tr, names: map[string]bool{}}
	var err error
	if t.union {
		err = flat.add(t, place{name: unionName(t)})
	} else {
		err = flat.members(t, place{})
	}
	if err != nil {
		return nil, err
	}
	l := newLayout(t.size, SourceDWARF, name, flat.fields)
	var end uint64
	for _, f := range l.Fields {
		from, to := f.bits()
		if from < end || to > l.Size*8 {
			return nil, fmt.Errorf("malformed: field %s of %s overlaps another", f.Name, t.spelled)
		}
		end = to
	}
	return l, nil
}

// A flattener collects the fields of one layout.
type flattener struct {
	types  *typeReader
	names  map[string]bool
	fields []Field
}

// A place is where a type occurs in the layout, under which name.
type place struct {
	name   string
	base   string // the base class that the member came from, to tell members of the same name apart
	offset uint64
	depth  int
}

// members adds the members of a struct, those of base classes last: a plain name belongs to the derived class.
func (fl *flattener) members(t *dwarfType, at place) error {
	if at.depth > maxTypeDepth {
		return fmt.Errorf("types nest deeper than %d", maxTypeDepth)
	}
	for _, base := range []bool{false, true} {
		for _, m := range t.members {
			if m.base != base {
				continue
			}
			if err := fl.member(m, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// member adds one member of a struct, or what it consists of.
func (fl *flattener) member(m dwarfMember, at place) error {
	if fl.types.visits++; fl.types.visits > 16*maxFields {
		return fmt.Errorf("more than %d members", 16*maxFields)
	}
	inner := place{name: at.name, base: at.base, offset: at.offset + m.offset, depth: at.depth + 1}
	if m.bitSize != 0 {
		if m.name == "" {
			return nil // padding
		}
		inner.name = join(at.name, m.name)
		first := at.offset*8 + m.bitPos
		bit := first % 8
		return fl.put(Field{
			Kind: m.typ.kind, Type: fmt.Sprintf("%s:%d", m.typ.spelled, m.bitSize),
			Offset: first / 8, Size: (bit + uint64(m.bitSize) + 7) / 8, Count: 1,
			BitOffset: uint8(bit), BitSize: m.bitSize,
		}, inner)
	}
	switch {
	case m.base:
		inner.base = strings.TrimPrefix(strings.TrimPrefix(m.typ.spelled, "struct "), "class ")
	case m.name != "":
		inner.name = join(at.name, m.name)
	case m.typ.aggregate() && m.typ.union:
		inner.name = join(at.name, unionName(m.typ))
	case !m.typ.aggregate():
		inner.name = join(at.name, fmt.Sprintf("unnamed@%d", m.offset))
	}
	return fl.add(m.typ, inner)
}

// add adds one occurrence of a type.
func (fl *flattener) add(t *dwarfType, at place) error {
	f := Field{Type: t.spelled, Offset: at.offset, Size: t.size, Count: 1, pointers: t.pointers}
	switch {
	case t.aggregate() && !t.union:
		return fl.members(t, at)
	case t.aggregate():
		f.Kind, f.Count = Bytes, t.size
		f.Type = unionType(t)
		f.content = t.fingerprint()
	case t.elem == nil:
		f.Kind, f.content = t.kind, t.content
		if f.Kind == Bytes {
			f.Count = t.size
		}
	case t.elem.kind != 0 && t.elem.kind != Bytes:
		f.Kind, f.Count = t.elem.kind, t.count
	case t.elem.aggregate() && !t.elem.union:
		element, err := fl.types.element(t.elem)
		if err != nil {
			return err
		}
		if len(element.Fields) == 0 {
			return nil // an array of empty structs
		}
		f.Kind, f.Count, f.Element = Bytes, t.count, element
	default:
		f.Kind, f.Count, f.content = Bytes, t.size, t.fingerprint()
	}
	return fl.put(f, at)
}

// put names the field and adds it. A member that has the name of another one, of a base class, is qualified.
func (fl *flattener) put(f Field, at place) error {
	if fl.types.fields++; fl.types.fields > maxFields {
		return fmt.Errorf("more than %d fields", maxFields)
	}
	f.Name = cleanName(at.name)
	if fl.names[f.Name] && at.base != "" {
		f.Name = cleanName(at.base + "::" + at.name)
	}
	for n := 2; fl.names[f.Name]; n++ {
		f.Name = fmt.Sprintf("%s#%d", cleanName(at.name), n)
	}
	fl.names[f.Name] = true
	fl.fields = append(fl.fields, f)
	return nil
}

// element returns the layout of one element of an array of t.
func (tr *typeReader) element(t *dwarfType) (*Layout, error) {
	if t.layout == nil {
		l, err := tr.layout(t, t.spelled)
		if err != nil {
			return nil, err
		}
		t.layout = l
	}
	return t.layout, nil
}

// fingerprint identifies what a type is made of, names of types excluded.
func (t *dwarfType) fingerprint() string {
	if t.print == nil {
		b := fmt.Appendf(nil, "%d %d %q %v ", t.kind, t.size, t.content, t.union)
		if t.elem != nil {
			b = fmt.Appendf(b, "array %d %s", t.count, t.elem.fingerprint())
		}
		for _, m := range t.members {
			b = fmt.Appendf(b, "%q %d %d %d %s;", m.name, m.offset, m.bitPos, m.bitSize, m.typ.fingerprint())
		}
		sum := sha256.Sum256(b)
		t.print = &sum
	}
	return hex.EncodeToString(t.print[:])
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// cleanName makes a name fit for a line of name=value pairs, and bounds it.
func cleanName(name string) string {
	if expected, _ := checkName(name); expected == "" {
		return name
	}
	name = strings.Map(func(r rune) rune {
		if expected, _ := checkName(string(r)); expected != "" {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if len(name) > maxNameLength {
		name = strings.ToValidUTF8(name[:maxNameLength], "")
	}
	if name == "" {
		return "unnamed"
	}
	return name
}

// unionName makes a name for an anonymous union of the names of its members: a|b.
func unionName(t *dwarfType) string {
	const most = 8
	var names []string
	for i, m := range t.members {
		if i == most {
			names = append(names, "...")
			break
		}
		if m.name != "" {
			names = append(names, m.name)
		}
	}
	if len(names) == 0 {
		return "union"
	}
	return strings.Join(names, "|")
}

// unionType spells a union with its members.
func unionType(t *dwarfType) string {
	const most = 8
	var b strings.Builder
	b.WriteString(t.spelled)
	b.WriteString(" {")
	for i, m := range t.members {
		if i == most {
			b.WriteString(" ...")
			break
		}
		fmt.Fprintf(&b, " %s %s;", m.typ.spelled, m.name)
	}
	b.WriteString(" }")
	return b.String()
}
