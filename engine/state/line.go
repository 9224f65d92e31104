package state

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// lineElements bounds how many elements of an array a line shows.
	lineElements = 8
	// lineBytes bounds how many opaque bytes a line shows.
	lineBytes = 16
)

// Line shows fields as "score=10 time=1". With several shards a field that is equal in all of them is shown once; numbers
// and booleans that differ as their range, "score=3..17"; anything else that differs as that of the first shard with two
// dots behind it. Floats have six significant digits, text is quoted where it would break the line apart, opaque bytes
// are their number and the first 16 in hexadecimal, and arrays stop after eight elements. A field beyond the end of a
// shard is "?". The caller must have the right to read the shards, see Arena.Shard.
func Line(fields []Field, shards ...[]byte) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(f.Name)
		b.WriteByte('=')
		b.WriteString(f.across(shards))
	}
	return b.String()
}

// across shows the field over all shards.
func (f Field) across(shards [][]byte) string {
	if len(shards) == 0 {
		return "?"
	}
	if low, high, ok := f.extremes(shards); ok {
		from, to := f.show(low), f.show(high)
		if from == to {
			return from
		}
		return from + ".." + to
	}
	first := f.show(shards[0])
	for _, shard := range shards[1:] {
		if !bytes.Equal(f.bytes(shard), f.bytes(shards[0])) && f.show(shard) != first {
			return first + ".."
		}
	}
	return first
}

// extremes returns the shards with the least and the greatest value; false if the field has no order.
func (f Field) extremes(shards [][]byte) (low, high []byte, ok bool) {
	if f.Count != 1 || f.Kind == Char || f.Kind == Bytes {
		return nil, nil, false
	}
	for i, shard := range shards {
		b := f.bytes(shard)
		if b == nil || f.Kind.Float() && math.IsNaN(f.float(b, 0)) {
			return nil, nil, false
		}
		if i == 0 {
			low, high = shard, shard
			continue
		}
		if f.less(b, f.bytes(low)) {
			low = shard
		}
		if f.less(f.bytes(high), b) {
			high = shard
		}
	}
	return low, high, true
}

// less compares two values of a single number.
func (f Field) less(a, b []byte) bool {
	switch {
	case f.Kind.Float():
		return f.float(a, 0) < f.float(b, 0)
	case f.Kind.Signed():
		return int64(f.integer(a, 0)) < int64(f.integer(b, 0))
	}
	return f.integer(a, 0) < f.integer(b, 0)
}

// show renders the field of one shard.
func (f Field) show(shard []byte) string {
	b := f.bytes(shard)
	switch {
	case b == nil:
		return "?"
	case f.Element != nil:
		return f.list(func(i uint64) string {
			return "{" + Line(f.Element.Fields, b[i*f.Element.Size:][:f.Element.Size]) + "}"
		})
	case f.Kind == Bytes:
		return hexadecimal(b)
	case f.Kind == Char:
		return quoteIfNeeded(text(b))
	case f.Count == 1:
		return f.number(b, 0)
	}
	return f.list(func(i uint64) string { return f.number(b, i) })
}

// list renders the first elements of an array.
func (f Field) list(element func(i uint64) string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := uint64(0); i < f.Count; i++ {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i == lineElements {
			b.WriteString("..")
			break
		}
		b.WriteString(element(i))
	}
	b.WriteByte(']')
	return b.String()
}

// number renders element i of a field of numbers, booleans or pointers.
func (f Field) number(b []byte, i uint64) string {
	switch v := f.scalar(b, i).(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', 6, 64)
	case bool:
		return strconv.FormatBool(v)
	case uint64:
		if f.Kind == Pointer {
			return fmt.Sprintf("%#x", v)
		}
		return strconv.FormatUint(v, 10)
	}
	return "?"
}

func hexadecimal(b []byte) string {
	var s strings.Builder
	s.WriteString(strconv.Itoa(len(b)))
	for i, c := range b {
		if i == lineBytes {
			s.WriteString(" ..")
			break
		}
		fmt.Fprintf(&s, " %02x", c)
	}
	return s.String()
}

// quoteIfNeeded quotes text that is empty or has characters that do not belong into a line of name=value pairs.
func quoteIfNeeded(s string) string {
	if s == "" || !utf8.ValidString(s) {
		return strconv.Quote(s)
	}
	for _, r := range s {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) || r == '=' || r == '"' {
			return strconv.Quote(s)
		}
	}
	return s
}
