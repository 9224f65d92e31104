package state

import (
	"debug/dwarf"
	"fmt"
)

func opaqueType(spelled string, size uint64, content string) *dwarfType {
	return &dwarfType{spelled: spelled, size: size, kind: Bytes, content: fmt.Sprintf("%s:%d", content, size)}
}

// The encodings of base types (DWARF 5, section 7.8).
const (
	encBoolean      = 0x02
	encFloat        = 0x04
	encSigned       = 0x05
	encSignedChar   = 0x06
	encUnsigned     = 0x07
	encUnsignedChar = 0x08
	encUTF          = 0x10
)

// baseType maps a base type to a kind, to opaque bytes if it has none (long double, complex, 128-bit integers).
func baseType(name string, e *dwarf.Entry) *dwarfType {
	size := byteSize(e)
	encoding, _ := e.Val(dwarf.AttrEncoding).(int64)
	t := opaqueType(name, size, fmt.Sprintf("encoding %d", encoding))
	var kind Kind
	ok := false
	switch encoding {
	case encBoolean:
		kind, ok = Bool, size == 1
		if !ok {
			kind, ok = integerKind(size, false)
		}
	case encFloat:
		switch size {
		case 4:
			kind, ok = F32, true
		case 8:
			kind, ok = F64, true
		}
	case encSigned:
		kind, ok = integerKind(size, true)
	case encUnsigned, encUTF:
		kind, ok = integerKind(size, false)
	case encSignedChar, encUnsignedChar:
		// char is text, its explicitly signed and unsigned forms are numbers. Whether char is signed is the target's affair.
		kind, ok = Char, name == "char"
		if !ok {
			kind, ok = integerKind(size, encoding == encSignedChar)
		}
	}
	if ok {
		t.kind, t.content = kind, ""
	}
	return t
}

// enum maps an enumeration to the integer it is stored as.
func (tr *typeReader) enum(e *dwarf.Entry, r *dwarf.Reader, depth int) (*dwarfType, error) {
	signed := false
	if e.Val(dwarf.AttrType) != nil {
		under, err := tr.target(e, depth)
		if err != nil {
			return nil, err
		}
		signed = under.kind.Signed()
	} else {
		err := tr.children(r, e, func(kid *dwarf.Entry) error {
			if v, ok := kid.Val(dwarf.AttrConstValue).(int64); ok && v < 0 {
				signed = true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	spelled := "enum " + tr.name(e)
	size := byteSize(e)
	kind, ok := integerKind(size, signed)
	if !ok {
		return opaqueType(spelled, size, "enum"), nil
	}
	return &dwarfType{spelled: spelled, size: size, kind: kind}, nil
}
