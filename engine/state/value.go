package state

import (
	"bytes"
	"math"
)

// A Value is the content of one field at one moment.
type Value struct {
	// Name is the field's name.
	Name string
	// Value is an int64, uint64, float64, bool or string; for arrays of them a slice ([]int64 and so on); []byte for
	// opaque bytes; [][]Value for an array of structs; nil if the shard's bytes end before the field does. Pointers are
	// uint64, char and arrays of char are strings cut at the first NUL.
	Value any
}

// Values reads all fields of a shard. The caller must have the right to read it, see Arena.Shard. What is returned does
// not refer to the shard.
func (l *Layout) Values(shard []byte) []Value {
	values := make([]Value, len(l.Fields))
	for i, f := range l.Fields {
		values[i] = Value{f.Name, f.Value(shard)}
	}
	return values
}

// Value reads the field from a shard; see Value for the types.
func (f Field) Value(shard []byte) any {
	b := f.bytes(shard)
	if b == nil {
		return nil
	}
	switch {
	case f.Element != nil:
		rows := make([][]Value, f.Count)
		for i := range rows {
			rows[i] = f.Element.Values(b[uint64(i)*f.Element.Size:][:f.Element.Size])
		}
		return rows
	case f.Kind == Bytes:
		return bytes.Clone(b)
	case f.Kind == Char:
		return text(b)
	case f.Count == 1:
		return f.scalar(b, 0)
	case f.Kind == Bool:
		return each(f, func(i uint64) bool { return b[i] != 0 })
	case f.Kind.Signed():
		return each(f, func(i uint64) int64 { return int64(f.integer(b, i)) })
	case f.Kind.Float():
		return each(f, func(i uint64) float64 { return f.float(b, i) })
	}
	return each(f, func(i uint64) uint64 { return f.integer(b, i) })
}

func each[T any](f Field, element func(i uint64) T) []T {
	all := make([]T, f.Count)
	for i := range all {
		all[i] = element(uint64(i))
	}
	return all
}

// bytes returns the bytes of the field, nil if the shard is too short.
func (f Field) bytes(shard []byte) []byte {
	if f.end() < f.Offset || f.end() > uint64(len(shard)) {
		return nil
	}
	return shard[f.Offset:f.end():f.end()]
}

// scalar returns element i of a field that is neither text nor opaque. b are the field's bytes.
func (f Field) scalar(b []byte, i uint64) any {
	switch {
	case f.Kind == Bool:
		return f.integer(b, i) != 0
	case f.Kind.Float():
		return f.float(b, i)
	case f.Kind.Signed():
		return int64(f.integer(b, i))
	}
	return f.integer(b, i)
}

func (f Field) integer(b []byte, i uint64) uint64 {
	if f.BitSize != 0 {
		return loadBits(b, f.BitOffset, f.BitSize, f.Kind.Signed())
	}
	return loadInteger(f.Kind, b[i*f.Kind.Size():])
}

func (f Field) float(b []byte, i uint64) float64 {
	raw := f.integer(b, i)
	if f.Kind == F32 {
		return float64(math.Float32frombits(uint32(raw)))
	}
	return math.Float64frombits(raw)
}

// text returns the bytes before the first NUL.
func text(b []byte) string {
	if n := bytes.IndexByte(b, 0); n >= 0 {
		b = b[:n]
	}
	return string(b)
}
