package state

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sort"
)

// maxFields bounds the fields of one layout, elements of arrays of structs included once. It is far above what a person
// writes and keeps a hostile library from filling the memory.
const maxFields = 1 << 14

// A Field is one named part of the state. Nested structs are flattened to dotted names ("pos.x"). An array of scalars is
// one field, as is an array of structs, whose Element then lists the fields of one of them.
type Field struct {
	// Name is the dotted path, unique within the layout.
	Name string
	// Kind is what one element holds; Bytes for an array of structs.
	Kind Kind
	// Type is the type as it is spelled in the source ("double[4]", "enum color"), for people only.
	Type string
	// Offset is where the field starts, in bytes from the start of the state (of the element, inside an Element).
	Offset uint64
	// Size is the bytes of the whole field; for a bit-field, of the bytes that it touches.
	Size uint64
	// Count is the number of elements, 1 for a single value. For opaque Bytes it equals Size.
	Count uint64
	// BitOffset and BitSize place a bit-field: so many bits, from that bit of the byte at Offset on, counted from the
	// lowest. BitSize is 0 for everything else.
	BitOffset, BitSize uint8
	// Shown says that the plugin asked for the field to be part of the state line.
	Shown bool
	// Element is the layout of one element of an array of structs, nil for everything else.
	Element *Layout

	// content identifies what opaque bytes hold (the members of a union, say), so that a change inside them is seen.
	content string
	// pointers says that the field holds addresses, be it inside opaque bytes or elements.
	pointers bool
}

// end returns the offset behind the field.
func (f Field) end() uint64 { return f.Offset + f.Size }

// bits returns the position of the first bit of the field and of the first bit behind it.
func (f Field) bits() (from, to uint64) {
	if f.BitSize != 0 {
		from = f.Offset*8 + uint64(f.BitOffset)
		return from, from + uint64(f.BitSize)
	}
	return f.Offset * 8, f.end() * 8
}

// opaque reports whether nothing is known of the inside of the field.
func (f Field) opaque() bool { return f.Kind == Bytes && f.Element == nil }

// stride returns the distance in bytes between two elements.
func (f Field) stride() uint64 {
	if f.Element != nil {
		return f.Element.Size
	}
	return f.Kind.Size()
}

// describe returns kind, count and place: "i32@8", "f64[4]@16", "u32:3@4.5" for three bits from bit 5 of byte 4 on.
func (f Field) describe() string {
	what := f.Kind.String()
	if f.Element != nil {
		what = "struct"
	}
	switch {
	case f.BitSize != 0:
		return fmt.Sprintf("%s:%d@%d.%d", what, f.BitSize, f.Offset, f.BitOffset)
	case f.Count != 1 || f.Kind == Bytes:
		return fmt.Sprintf("%s[%d]@%d", what, f.Count, f.Offset)
	}
	return fmt.Sprintf("%s@%d", what, f.Offset)
}

// A Source says where a layout is known from.
type Source uint8

// The sources, best first.
const (
	SourceTable Source = iota + 1
	SourceDWARF
	SourceDeclaration
	SourceSize
)

// String names the source in words.
func (s Source) String() string {
	switch s {
	case SourceTable:
		return "field table"
	case SourceDWARF:
		return "debug information"
	case SourceDeclaration:
		return "source text, for display only"
	case SourceSize:
		return "size only"
	}
	return fmt.Sprintf("source(%d)", uint8(s))
}

// A Layout is what is known of the bytes of one shard. It is immutable.
type Layout struct {
	// Size is the bytes of one shard's state.
	Size uint64
	// Align is the largest natural alignment among the fields, 1 if none is known.
	Align uint64
	// Fields are in ascending order of place and do not overlap.
	Fields []Field
	// Source says where the layout is known from.
	Source Source
	// TypeName is the name of the state's type, empty if none is known.
	TypeName string
	// Pointers says that the state holds addresses, so that a copy of it means nothing to another process.
	Pointers bool
}

// SizeOnly returns the layout of a state of which only the size is known.
func SizeOnly(size uint64) *Layout {
	return &Layout{Size: size, Align: 1, Source: SourceSize}
}

// newLayout puts the fields in order and derives the rest. The fields must lie inside size and not overlap.
func newLayout(size uint64, source Source, typeName string, fields []Field) *Layout {
	sort.SliceStable(fields, func(i, j int) bool {
		a, _ := fields[i].bits()
		b, _ := fields[j].bits()
		return a < b
	})
	l := &Layout{Size: size, Align: 1, Fields: fields, Source: source, TypeName: typeName}
	for _, f := range fields {
		l.Align = max(l.Align, f.alignment())
		l.Pointers = l.Pointers || f.pointers
	}
	return l
}

// alignment returns the natural alignment in bytes of one element.
func (f Field) alignment() uint64 {
	if f.Element != nil {
		return f.Element.Align
	}
	return f.Kind.Size()
}

// describesFields reports whether the layout may be relied on field by field. A declaration may not: the compiler may
// have seen other macros and pragmas than its reader did.
func (l *Layout) describesFields() bool {
	return l.Source == SourceTable || l.Source == SourceDWARF
}

// Hash identifies the meaning of the bytes: size, and of each field name, kind, place, count and, recursively, elements.
// Spelled types, flags, alignment and source do not enter it.
func (l *Layout) Hash() [32]byte {
	h := sha256.New()
	l.writeTo(h)
	return [32]byte(h.Sum(nil))
}

// writeTo writes an encoding that is injective: every number has eight bytes, every string its length before it.
func (l *Layout) writeTo(h hash.Hash) {
	number := func(v uint64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v)
		h.Write(b[:])
	}
	text := func(s string) {
		number(uint64(len(s)))
		h.Write([]byte(s))
	}
	number(l.Size)
	number(uint64(len(l.Fields)))
	for _, f := range l.Fields {
		text(f.Name)
		number(uint64(f.Kind))
		number(f.Offset)
		number(f.Count)
		number(uint64(f.BitOffset))
		number(uint64(f.BitSize))
		text(f.content)
		if f.Element == nil {
			number(0)
			continue
		}
		number(1)
		f.Element.writeTo(h)
	}
}
