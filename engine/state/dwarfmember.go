package state

import (
	"debug/dwarf"
	"errors"
	"fmt"
)

// A dwarfMember is one member of a struct or union, or a base class.
type dwarfMember struct {
	name    string // empty for anonymous structs and unions
	typ     *dwarfType
	offset  uint64
	bitPos  uint64 // of a bit-field, from the start of the aggregate
	bitSize uint8
	base    bool
}

// aggregate reads a struct, class or union. A Rust enum is a struct with a variant part: its variants overlap.
func (tr *typeReader) aggregate(e *dwarf.Entry, r *dwarf.Reader, depth int) (*dwarfType, error) {
	name := tr.name(e)
	if declared, _ := e.Val(dwarf.AttrDeclaration).(bool); declared {
		return nil, fmt.Errorf("%s is declared but not defined", name)
	}
	t := &dwarfType{size: byteSize(e), union: e.Tag == dwarf.TagUnionType}
	switch e.Tag {
	case dwarf.TagUnionType:
		t.spelled = "union"
	case dwarf.TagClassType:
		t.spelled = "class"
	default:
		t.spelled = "struct"
	}
	if name != "" {
		t.spelled += " " + name
	}
	err := tr.children(r, e, func(kid *dwarf.Entry) error {
		switch kid.Tag {
		case dwarf.TagMember, dwarf.TagInheritance:
			return tr.addMember(t, kid, depth)
		case dwarf.TagVariantPart:
			t.union = true
			return tr.addVariants(t, kid, depth)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// addVariants adds the members of all variants and the discriminant.
func (tr *typeReader) addVariants(t *dwarfType, part *dwarf.Entry, depth int) error {
	visit := func(e *dwarf.Entry, inner func(*dwarf.Entry) error) error {
		_, r, err := tr.at(e.Offset)
		if err != nil {
			return err
		}
		return tr.children(r, e, inner)
	}
	member := func(kid *dwarf.Entry) error {
		if kid.Tag == dwarf.TagMember {
			return tr.addMember(t, kid, depth)
		}
		return nil
	}
	return visit(part, func(kid *dwarf.Entry) error {
		if kid.Tag == dwarf.TagVariant {
			return visit(kid, member)
		}
		return member(kid)
	})
}

// addMember adds a data member or a base class to t, if it has bytes in it.
func (tr *typeReader) addMember(t *dwarfType, e *dwarf.Entry, depth int) error {
	external, _ := e.Val(dwarf.AttrExternal).(bool)
	declared, _ := e.Val(dwarf.AttrDeclaration).(bool)
	if external || declared {
		return nil // a static member
	}
	m := dwarfMember{name: tr.name(e), base: e.Tag == dwarf.TagInheritance}
	if m.base && e.Val(dwarf.AttrVirtuality) == int64(1) {
		return fmt.Errorf("%s has a virtual base class, whose place is not fixed", t.spelled)
	}
	var err error
	if m.typ, err = tr.target(e, depth); err != nil {
		return err
	}
	t.height = max(t.height, m.typ.height+1)
	if m.typ.size == 0 {
		return nil // an empty member, or a flexible array
	}
	location, err := memberLocation(e)
	if err != nil {
		return fmt.Errorf("member %s of %s: %w", m.name, t.spelled, err)
	}
	m.offset = location
	if width, ok := e.Val(dwarf.AttrBitSize).(int64); ok {
		return t.addBitField(m, e, width)
	}
	if m.offset > t.size || m.typ.size > t.size-m.offset {
		return fmt.Errorf("malformed: member %s ends outside %s", m.name, t.spelled)
	}
	t.members = append(t.members, m)
	t.pointers = t.pointers || m.typ.pointers
	return nil
}

// addBitField adds a bit-field. DWARF 4 and later count its first bit from the start of the struct; earlier versions
// count from the most significant bit of its storage unit, which on a little-endian machine is the far end.
func (t *dwarfType) addBitField(m dwarfMember, e *dwarf.Entry, width int64) error {
	pos, ok := e.Val(dwarf.AttrDataBitOffset).(int64)
	if !ok {
		pos = int64(m.offset) * 8
		if fromTop, old := e.Val(dwarf.AttrBitOffset).(int64); old {
			unit := byteSize(e)
			if unit == 0 {
				unit = m.typ.size
			}
			pos += int64(unit)*8 - fromTop - width
		}
	}
	if width < 1 || width > 64 || pos < 0 || uint64(pos)+uint64(width) > t.size*8 ||
		!m.typ.kind.Integer() && m.typ.kind != Bool {
		return fmt.Errorf("malformed: bit-field %s of %s", m.name, t.spelled)
	}
	m.bitPos, m.bitSize = uint64(pos), uint8(width)
	t.members = append(t.members, m)
	return nil
}

// memberLocation returns the offset of a member, 0 if it has none (members of unions).
func memberLocation(e *dwarf.Entry) (uint64, error) {
	switch at := e.Val(dwarf.AttrDataMemberLoc).(type) {
	case nil:
		return 0, nil
	case int64:
		if at >= 0 {
			return uint64(at), nil
		}
	case []byte:
		const opPlusUconst = 0x23
		if len(at) > 1 && at[0] == opPlusUconst {
			if v, n := uleb128(at[1:]); n == len(at)-1 {
				return v, nil
			}
		}
	}
	return 0, errors.New("its place is not a constant")
}

// uleb128 reads a variable-length number and returns it with its length, 0 if there is none.
func uleb128(b []byte) (uint64, int) {
	var v uint64
	for i := 0; i < len(b) && i < 9; i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}
