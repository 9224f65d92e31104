package state

import (
	"encoding/binary"
	"errors"
)

// maxNesting bounds the depth of arrays of structs within each other in an encoded layout.
const maxNesting = 64

// errLayoutCode says that bytes are no encoded layout.
var errLayoutCode = errors.New("the layout is not readable")

// appendTo appends an encoding of all that is known, which decodeLayout reads: unlike that of Hash it is not the same for
// layouts that mean the same.
func (l *Layout) appendTo(b []byte) []byte {
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	b = append(binary.AppendUvarint(b, l.Size), byte(l.Source))
	text(l.TypeName)
	b = binary.AppendUvarint(b, uint64(len(l.Fields)))
	for _, f := range l.Fields {
		text(f.Name)
		text(f.Type)
		text(f.content)
		for _, v := range []uint64{f.Offset, f.Size, f.Count} {
			b = binary.AppendUvarint(b, v)
		}
		b = append(b, byte(f.Kind), f.BitOffset, f.BitSize, flagBits(f.Shown, f.pointers, f.Element != nil))
		if f.Element != nil {
			b = f.Element.appendTo(b)
		}
	}
	return b
}

// flagBits returns flags as one byte, the first as its lowest bit.
func flagBits(flags ...bool) (b byte) {
	for i, f := range flags {
		if f {
			b |= 1 << i
		}
	}
	return b
}

// decodeLayout reads what appendTo has written. From any other bytes it makes an error, or a layout that means nothing
// but does no harm.
func decodeLayout(code []byte) (*Layout, error) {
	d := &layoutDecoder{code: code, fields: maxFields}
	l := d.layout(maxNesting)
	if d.bad || len(d.code) != 0 {
		return nil, errLayoutCode
	}
	return l, nil
}

// layoutDecoder takes values off code; bad is set by the first that is none, and the rest then means nothing.
type layoutDecoder struct {
	code   []byte
	fields int // that may still come
	bad    bool
}

func (d *layoutDecoder) layout(nesting int) *Layout {
	size, source := d.number(), Source(d.byte())
	name, count := d.text(), d.number()
	if nesting == 0 || size > maxStateSize || source < SourceTable || source > SourceSize || count > uint64(d.fields) {
		d.bad = true
	}
	var fields []Field
	for i := uint64(0); i < count && !d.bad; i++ {
		fields = append(fields, d.field(size, nesting))
	}
	if d.bad {
		return nil
	}
	return newLayout(size, source, name, fields)
}

func (d *layoutDecoder) field(size uint64, nesting int) Field {
	d.fields--
	f := Field{
		Name: d.text(), Type: d.text(), content: d.text(), Offset: d.number(), Size: d.number(), Count: d.number(),
		Kind: Kind(d.byte()), BitOffset: d.byte(), BitSize: d.byte(),
	}
	flags := d.byte()
	f.Shown, f.pointers = flags&1 != 0, flags&2 != 0
	if flags&4 != 0 && !d.bad {
		f.Element = d.layout(nesting - 1)
	}
	if !f.Kind.Valid() || f.Offset > size || f.Size > size-f.Offset || f.Count > size || d.fields < 0 {
		d.bad = true
	}
	return f
}

func (d *layoutDecoder) number() uint64 {
	v, n := binary.Uvarint(d.code)
	if n <= 0 {
		d.bad, d.code = true, nil
		return 0
	}
	d.code = d.code[n:]
	return v
}

func (d *layoutDecoder) byte() byte {
	if len(d.code) == 0 {
		d.bad = true
		return 0
	}
	b := d.code[0]
	d.code = d.code[1:]
	return b
}

func (d *layoutDecoder) text() string {
	n := d.number()
	if n > uint64(len(d.code)) {
		d.bad = true
		return ""
	}
	s := string(d.code[:n])
	d.code = d.code[n:]
	return s
}
