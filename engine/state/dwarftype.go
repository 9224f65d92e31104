package state

import (
	"debug/dwarf"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// maxTypeDepth bounds how deep types nest, typedefs and qualifiers included.
const maxTypeDepth = 64

// A dwarfType is one resolved type. Exactly one of these holds: it is a scalar (kind set, count 0), an array (elem set),
// or an aggregate (neither; members overlap if union is set).
type dwarfType struct {
	spelled  string
	size     uint64
	kind     Kind
	content  string // of scalars that are opaque: encoding and size
	pointers bool
	elem     *dwarfType
	count    uint64
	members  []dwarfMember
	union    bool
	height   int // the longest chain of types inside this one

	print  *[32]byte // memo of fingerprint
	layout *Layout   // memo of the layout as an element
}

func (t *dwarfType) aggregate() bool { return t.kind == 0 && t.elem == nil }

// A typeReader resolves types, each once. Pointers are not followed, so what a state merely refers to is never read.
type typeReader struct {
	*dieReader
	types  map[dwarf.Offset]*dwarfType // nil while a type is being resolved
	fields int                         // made so far, over all layouts
	visits int                         // members looked at so far, over all layouts
}

func newTypeReader(d *dieReader) *typeReader {
	return &typeReader{dieReader: d, types: map[dwarf.Offset]*dwarfType{}}
}

// resolve returns the type at an offset.
func (tr *typeReader) resolve(offset dwarf.Offset, depth int) (*dwarfType, error) {
	if t, known := tr.types[offset]; known {
		if t == nil {
			return nil, errors.New("malformed: a type contains itself")
		}
		return t, nil
	}
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("types nest deeper than %d", maxTypeDepth)
	}
	tr.types[offset] = nil
	t, err := tr.readAt(offset, depth)
	if err != nil {
		delete(tr.types, offset)
		return nil, err
	}
	// The depth of this call does not count what was resolved before it; the height does.
	if t.height > maxTypeDepth {
		delete(tr.types, offset)
		return nil, fmt.Errorf("types nest deeper than %d", maxTypeDepth)
	}
	tr.types[offset] = t
	return t, nil
}

func (tr *typeReader) readAt(offset dwarf.Offset, depth int) (*dwarfType, error) {
	e, r, err := tr.at(offset)
	if err != nil {
		return nil, err
	}
	return tr.read(e, r, depth)
}

// target resolves the type that e refers to.
func (tr *typeReader) target(e *dwarf.Entry, depth int) (*dwarfType, error) {
	switch at := e.Val(dwarf.AttrType).(type) {
	case dwarf.Offset:
		return tr.resolve(at, depth+1)
	case nil:
		return &dwarfType{spelled: "void", kind: Bytes}, nil
	default:
		return nil, errors.New("a type lies outside the main section; build without -fdebug-types-section, without dwz")
	}
}

// read makes a type of an entry.
func (tr *typeReader) read(e *dwarf.Entry, r *dwarf.Reader, depth int) (*dwarfType, error) {
	switch e.Tag {
	case dwarf.TagTypedef:
		return tr.renamed(e, depth, func(string) string { return tr.name(e) })
	case dwarf.TagConstType:
		return tr.renamed(e, depth, func(s string) string { return qualified(s, "const") })
	case dwarf.TagVolatileType:
		return tr.renamed(e, depth, func(s string) string { return qualified(s, "volatile") })
	case dwarf.TagAtomicType:
		return tr.renamed(e, depth, func(s string) string { return qualified(s, "_Atomic") })
	case dwarf.TagRestrictType, dwarf.TagImmutableType, dwarf.TagPackedType, dwarf.TagSharedType:
		return tr.renamed(e, depth, func(s string) string { return s })
	case dwarf.TagBaseType:
		return baseType(tr.name(e), e), nil
	case dwarf.TagEnumerationType:
		return tr.enum(e, r, depth)
	case dwarf.TagPointerType:
		return tr.pointer(e, " *"), nil
	case dwarf.TagReferenceType:
		return tr.pointer(e, " &"), nil
	case dwarf.TagRvalueReferenceType:
		return tr.pointer(e, " &&"), nil
	case dwarf.TagArrayType:
		return tr.array(e, r, depth)
	case dwarf.TagStructType, dwarf.TagClassType, dwarf.TagUnionType:
		return tr.aggregate(e, r, depth)
	case dwarf.TagPtrToMemberType:
		return tr.memberPointer(e), nil
	case dwarf.TagUnspecifiedType:
		// decltype(nullptr): it has no size here and no value worth keeping.
		return opaqueType(tr.name(e), byteSize(e), "unspecified"), nil
	}
	return nil, fmt.Errorf("a type with tag %s is not supported", e.Tag)
}

// renamed returns the target of e under another spelling.
func (tr *typeReader) renamed(e *dwarf.Entry, depth int, spell func(string) string) (*dwarfType, error) {
	target, err := tr.target(e, depth)
	if err != nil {
		return nil, err
	}
	t := *target
	t.spelled = spell(target.spelled)
	t.height++
	return &t, nil
}

// qualified puts a qualifier where C has it: behind a pointer, before anything else.
func qualified(spelled, qualifier string) string {
	if strings.HasSuffix(spelled, "*") {
		return spelled + " " + qualifier
	}
	return qualifier + " " + spelled
}

// byteSize returns the size attribute of e, 0 if it has none.
func byteSize(e *dwarf.Entry) uint64 {
	if size, ok := e.Val(dwarf.AttrByteSize).(int64); ok && size > 0 {
		return uint64(size)
	}
	return 0
}

// pointer makes a pointer. Its target is only named, not resolved.
func (tr *typeReader) pointer(e *dwarf.Entry, suffix string) *dwarfType {
	size := byteSize(e)
	if size == 0 {
		size = Pointer.Size()
	}
	spelled := tr.spell(e, 0) + suffix
	if name, ok := e.Val(dwarf.AttrName).(string); ok && name != "" {
		spelled = name // Rust names its pointer types
	}
	t := &dwarfType{spelled: spelled, size: size, kind: Pointer, pointers: true}
	if size != Pointer.Size() {
		t.kind, t.content = Bytes, "pointer"
	}
	return t
}

// memberPointer makes a C++ pointer to member. The entry has no size; the Itanium ABI gives one to a function two words.
func (tr *typeReader) memberPointer(e *dwarf.Entry) *dwarfType {
	size := byteSize(e)
	if at, ok := e.Val(dwarf.AttrType).(dwarf.Offset); ok && size == 0 {
		size = 8
		if target, _, err := tr.at(at); err == nil && target.Tag == dwarf.TagSubroutineType {
			size = 16
		}
	}
	t := opaqueType("member pointer", size, "member pointer")
	t.pointers = true
	return t
}

// spell names the type that e refers to, without resolving it.
func (tr *typeReader) spell(e *dwarf.Entry, depth int) string {
	at, ok := e.Val(dwarf.AttrType).(dwarf.Offset)
	if !ok {
		return "void"
	}
	target, _, err := tr.at(at)
	if err != nil || depth > 8 {
		return "?"
	}
	name := tr.name(target)
	switch target.Tag {
	case dwarf.TagConstType:
		return qualified(tr.spell(target, depth+1), "const")
	case dwarf.TagVolatileType:
		return qualified(tr.spell(target, depth+1), "volatile")
	case dwarf.TagPointerType:
		return tr.spell(target, depth+1) + " *"
	case dwarf.TagStructType:
		return "struct " + name
	case dwarf.TagUnionType:
		return "union " + name
	case dwarf.TagEnumerationType:
		return "enum " + name
	case dwarf.TagSubroutineType:
		return "function"
	}
	if name == "" {
		return "?"
	}
	return name
}

// array reads an array; one with several dimensions is an array of the product of them.
func (tr *typeReader) array(e *dwarf.Entry, r *dwarf.Reader, depth int) (*dwarfType, error) {
	elem, err := tr.target(e, depth)
	if err != nil {
		return nil, err
	}
	count := uint64(1)
	dims := ""
	bounded := false
	err = tr.children(r, e, func(kid *dwarf.Entry) error {
		if kid.Tag != dwarf.TagSubrangeType {
			return nil
		}
		n, known := subrange(kid)
		bounded = known
		if !known {
			n = 0
		}
		dims += fmt.Sprintf("[%d]", n)
		over, product := bits.Mul64(count, n)
		if over != 0 {
			return errors.New("malformed: an array's length overflows")
		}
		count = product
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !bounded {
		count = 0 // a flexible array at the end of a struct has no bytes inside it
	}
	over, size := bits.Mul64(count, elem.size)
	if over != 0 {
		return nil, errors.New("malformed: an array's size overflows")
	}
	if e.Val(dwarf.AttrStrideSize) != nil || e.Val(dwarf.AttrStride) != nil {
		t := opaqueType(elem.spelled+dims, byteSize(e), "strided "+elem.fingerprint())
		t.pointers, t.height = elem.pointers, elem.height+1
		return t, nil
	}
	t := &dwarfType{spelled: elem.spelled + dims, size: size, pointers: elem.pointers, height: elem.height + 1}
	if elem.elem != nil {
		if inner, ok := strings.CutPrefix(elem.spelled, elem.elem.spelled+"["); ok {
			t.spelled = elem.elem.spelled + dims + "[" + inner // the outer dimension comes first
		}
		over, count = bits.Mul64(count, elem.count)
		if over != 0 {
			return nil, errors.New("malformed: an array's length overflows")
		}
		elem = elem.elem
	}
	t.elem, t.count = elem, count
	return t, nil
}

// subrange returns the length of one dimension; false if it is not a constant.
func subrange(e *dwarf.Entry) (uint64, bool) {
	if count, ok := e.Val(dwarf.AttrCount).(int64); ok && count >= 0 {
		return uint64(count), true
	}
	upper, ok := e.Val(dwarf.AttrUpperBound).(int64)
	lower, _ := e.Val(dwarf.AttrLowerBound).(int64)
	if !ok || upper < lower {
		return 0, false
	}
	return uint64(upper-lower) + 1, true
}
