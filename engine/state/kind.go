package state

import "fmt"

// A Kind says what one element of a field is. The numbers are those of logic_type_t in logic.h.
type Kind uint8

// The kinds. Bool is one byte; Char is a byte of text, an array of which is a string cut at its first NUL; Pointer is
// eight bytes; Bytes is anything else, compared as a whole.
const (
	I8 Kind = iota + 1
	U8
	I16
	U16
	I32
	U32
	I64
	U64
	F32
	F64
	Bool
	Char
	Pointer
	Bytes
)

var kinds = [...]struct {
	name string
	size uint64
}{
	I8: {"i8", 1}, U8: {"u8", 1}, I16: {"i16", 2}, U16: {"u16", 2}, I32: {"i32", 4}, U32: {"u32", 4},
	I64: {"i64", 8}, U64: {"u64", 8}, F32: {"f32", 4}, F64: {"f64", 8}, Bool: {"bool", 1}, Char: {"char", 1},
	Pointer: {"pointer", 8}, Bytes: {"bytes", 1},
}

// Valid reports whether k is one of the kinds.
func (k Kind) Valid() bool { return k >= I8 && k <= Bytes }

// String returns the short name of the kind: i32, f64, pointer.
func (k Kind) String() string {
	if !k.Valid() {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kinds[k].name
}

// Size returns the bytes of one element, 1 for Bytes, 0 for a number that is no kind.
func (k Kind) Size() uint64 {
	if !k.Valid() {
		return 0
	}
	return kinds[k].size
}

// Signed reports whether k is a signed integer.
func (k Kind) Signed() bool { return k == I8 || k == I16 || k == I32 || k == I64 }

// Integer reports whether k is an integer, signed or not; Bool and Char are none.
func (k Kind) Integer() bool { return k >= I8 && k <= U64 }

// Float reports whether k is a floating-point number.
func (k Kind) Float() bool { return k == F32 || k == F64 }

// integerKind returns the integer of so many bytes; false if there is none.
func integerKind(size uint64, signed bool) (Kind, bool) {
	var k Kind
	switch size {
	case 1:
		k = U8
	case 2:
		k = U16
	case 4:
		k = U32
	case 8:
		k = U64
	default:
		return 0, false
	}
	if signed {
		k-- // each signed kind precedes its unsigned sibling
	}
	return k, true
}
