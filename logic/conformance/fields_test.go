package conformance_test

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"slices"
	"testing"
)

// kinds are the numbers of logic_type_t by the debug information's idea of a type.
var kinds = map[string]int{
	"int1": 1, "uint1": 2, "int2": 3, "uint2": 4, "int4": 5, "uint4": 6, "int8": 7, "uint8": 8,
	"float4": 9, "float8": 10, "bool1": 11, "char1": 12,
}

// checkFields compares the field table, as the harness prints it, with the state's declaration in the debug
// information. All states here are flat: numbers and arrays of numbers.
func checkFields(t *testing.T, lib string, described []string) {
	t.Helper()
	state := stateType(t, lib)
	var version, revision, size int
	if _, err := fmt.Sscanf(described[0], "api %d %d %d", &version, &revision, &size); err != nil {
		t.Fatalf("harness: %q: %v", described[0], err)
	}
	if int64(size) != state.ByteSize {
		t.Errorf("state_size: got %d, the debug information says %d", size, state.ByteSize)
	}
	if revision == 0 {
		return // no table
	}
	var want, got []string
	for _, f := range state.Field {
		kind, count := kindOf(f.Type)
		want = append(want, fmt.Sprintf("%s %d %d %d", f.Name, kind, f.ByteOffset, count))
	}
	for _, line := range described[1:] {
		var name string
		var kind, offset, count, flags int
		if _, err := fmt.Sscan(line, &name, &kind, &offset, &count, &flags); err != nil {
			t.Fatalf("harness: %q: %v", line, err)
		}
		got = append(got, fmt.Sprintf("%s %d %d %d", name, kind, offset, count))
	}
	if !slices.Equal(got, want) {
		t.Errorf("fields (name, type, offset, count):\n got %q\nwant %q", got, want)
	}
}

// stateType finds the state's struct: state_t in C and C++, State in Rust.
func stateType(t *testing.T, lib string) *dwarf.StructType {
	t.Helper()
	file, err := elf.Open(lib)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // read only
	data, err := file.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	for r := data.Reader(); ; {
		entry, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if entry == nil {
			t.Fatalf("%s: no struct state_t or State in the debug information", lib)
		}
		name, _ := entry.Val(dwarf.AttrName).(string)
		isType := entry.Tag == dwarf.TagTypedef || entry.Tag == dwarf.TagStructType
		if !isType || name != "state_t" && name != "State" {
			continue
		}
		typ, err := data.Type(entry.Offset)
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := resolve(typ).(*dwarf.StructType); ok {
			return s
		}
	}
}

func resolve(t dwarf.Type) dwarf.Type {
	for {
		def, ok := t.(*dwarf.TypedefType)
		if !ok {
			return t
		}
		t = def.Type
	}
}

// kindOf returns a type's number in logic_type_t, 0 for none, and its number of elements.
func kindOf(t dwarf.Type) (kind int, count int64) {
	count = 1
	t = resolve(t)
	if array, ok := t.(*dwarf.ArrayType); ok {
		t, count = resolve(array.Type), array.Count
	}
	var class string
	switch t.(type) {
	case *dwarf.BoolType:
		class = "bool"
	case *dwarf.CharType:
		class = "char"
	case *dwarf.IntType:
		class = "int"
	case *dwarf.UintType, *dwarf.UcharType:
		class = "uint"
	case *dwarf.FloatType:
		class = "float"
	}
	return kinds[fmt.Sprint(class, t.Size())], count
}
