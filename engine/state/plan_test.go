package state

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// checkOften runs a property more often than rapid does by default: layouts are small, and so is what one try covers.
func checkOften(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	for range 40 {
		rapid.Check(t, property)
	}
}

// drawLayout makes a layout of a few fields with names that two layouts are likely to share.
func drawLayout(t *rapid.T, label string) *Layout {
	return drawFields(t, label, 0)
}

func drawFields(t *rapid.T, label string, depth int) *Layout {
	names := rapid.Permutation([]string{"a", "b", "c", "d", "e"}).Draw(t, label+" names")
	names = names[:rapid.IntRange(1, len(names)).Draw(t, label+" fields")]
	var fields []Field
	var end uint64
	for _, name := range names {
		end += rapid.Uint64Range(0, 3).Draw(t, name+" gap")
		f := Field{Name: name, Offset: end, Count: rapid.Uint64Range(1, 3).Draw(t, name+" count")}
		switch shape := rapid.IntRange(0, 9).Draw(t, name+" shape"); {
		case shape == 0 && depth == 0:
			f.Kind, f.Element = Bytes, drawFields(t, label+"."+name, depth+1)
			f.Size = f.Count * f.Element.Size
		case shape <= 2:
			f.Kind = rapid.SampledFrom([]Kind{I8, U8, I16, U16, I32, U32, I64, U64, Bool}).Draw(t, name+" kind")
			f.BitOffset = uint8(rapid.IntRange(0, 7).Draw(t, name+" bit"))
			f.BitSize = uint8(rapid.Uint64Range(1, f.Kind.Size()*8).Draw(t, name+" bits"))
			if f.Kind == Bool {
				f.BitSize = 1
			}
			f.Count, f.Size = 1, (uint64(f.BitOffset)+uint64(f.BitSize)+7)/8
		default:
			f.Kind = Kind(rapid.IntRange(int(I8), int(Bytes)).Draw(t, name+" kind"))
			f.Size = f.Count * f.Kind.Size()
			f.pointers = f.Kind == Pointer
		}
		end = f.end()
		fields = append(fields, f)
	}
	size := end + rapid.Uint64Range(0, 3).Draw(t, label+" tail")
	return newLayout(size, SourceDWARF, "state_t", fields)
}

// evolve makes the layout that somebody who works on the plugin would make of l: each field stays, goes, or changes a
// little, others come, and all of them move, or nothing moves but for one field.
func evolve(t *rapid.T, l *Layout, depth int) *Layout {
	if rapid.Bool().Draw(t, "one change") {
		return nudge(t, l)
	}
	var fields []Field
	var end uint64
	for _, f := range rapid.Permutation(l.Fields).Draw(t, "order") {
		step := rapid.IntRange(0, 5).Draw(t, f.Name+" step")
		switch {
		case step == 0:
			continue
		case step == 1:
		case f.Element != nil:
			f.Element = evolve(t, f.Element, depth+1)
			f.Count += rapid.Uint64Range(0, 2).Draw(t, "longer")
		case f.BitSize != 0 && step == 2:
			f.BitSize = 0
		case f.BitSize != 0 && f.Kind != Bool:
			f.BitOffset = uint8(rapid.IntRange(0, 7).Draw(t, "bit"))
			f.BitSize = uint8(rapid.IntRange(1, int(f.Kind.Size()*8)).Draw(t, "bits"))
		case f.BitSize != 0:
		case step <= 3 && f.Kind < Char:
			f.Kind = Kind(rapid.IntRange(int(f.Kind), int(Bool)).Draw(t, "kind"))
		case step == 4 && f.Kind < F32 && f.Count == 1:
			f.BitOffset = uint8(rapid.IntRange(0, 7).Draw(t, "bit"))
			f.BitSize = uint8(rapid.IntRange(1, int(f.Kind.Size()*8)).Draw(t, "bits"))
		case step == 5 && f.Kind != Bytes:
			f.Count += rapid.Uint64Range(0, 2).Draw(t, "longer")
		}
		end += rapid.Uint64Range(0, 3).Draw(t, "gap")
		f.Offset = end
		f.Size = f.Count * f.stride()
		if f.BitSize != 0 {
			f.Size = (uint64(f.BitOffset) + uint64(f.BitSize) + 7) / 8
		}
		end = f.end()
		fields = append(fields, f)
	}
	if len(fields) == 0 || rapid.Bool().Draw(t, "new field") {
		fields = append(fields, Field{Name: "new", Kind: I32, Offset: end, Size: 4, Count: 1})
		end += 4
	}
	return newLayout(end+rapid.Uint64Range(0, 3).Draw(t, "tail"), SourceDWARF, "state_t", fields)
}

// nudge changes one field of l where it stands, or nothing that matters.
func nudge(t *rapid.T, l *Layout) *Layout {
	copied := *l
	copied.Fields = slices.Clone(l.Fields)
	f := &copied.Fields[rapid.IntRange(0, len(l.Fields)-1).Draw(t, "changed")]
	switch rapid.IntRange(0, 7).Draw(t, "change") {
	case 0:
		f.Name += "x"
	case 1:
		if k := f.Kind + 1; f.Element == nil && k.Size() == f.Kind.Size() && f.BitSize == 0 {
			f.Kind = k
		}
	case 2:
		f.Type, f.Shown = "renamed", true // no difference
	case 3:
		if f.BitSize > 1 {
			f.BitSize--
		}
	case 4:
		if f.BitSize != 0 && f.BitOffset > 0 {
			f.BitOffset--
			f.Size = (uint64(f.BitOffset) + uint64(f.BitSize) + 7) / 8
		}
	case 5:
		if f.Count > 1 && f.Element == nil {
			f.Count--
			f.Size -= f.Kind.Size()
		}
	case 6:
		if f.Element != nil {
			f.Element = nudge(t, f.Element)
		}
	case 7:
		if f.Element != nil && f.Count == 1 && f.Size > f.Element.Fields[len(f.Element.Fields)-1].end() {
			e := *f.Element
			e.Size--
			f.Element = &e
			f.Size--
		}
	}
	return &copied
}

// The model below knows only what Value returns and what numbers are; it shares no code with Plan and Apply.

// valueRange returns the least and greatest number of an integer or boolean field, nil for others.
func valueRange(f Field) (low, high *big.Int) {
	width := uint(f.Kind.Size() * 8)
	if f.BitSize != 0 {
		width = uint(f.BitSize)
	}
	one := big.NewInt(1)
	switch f.Kind {
	case Bool:
		return big.NewInt(0), one
	case I8, I16, I32, I64:
		half := new(big.Int).Lsh(one, width-1)
		return new(big.Int).Neg(half), new(big.Int).Sub(half, one)
	case U8, U16, U32, U64:
		return big.NewInt(0), new(big.Int).Sub(new(big.Int).Lsh(one, width), one)
	}
	return nil, nil
}

// modelConverts says whether every value of f has its equal in g.
func modelConverts(f, g Field) bool {
	if (f.Element == nil) != (g.Element == nil) || f.Kind == Pointer || g.Kind == Pointer {
		return false
	}
	if f.Element != nil {
		return g.Count >= f.Count && modelPlans(f.Element, g.Element)
	}
	if f.Kind == Bytes || g.Kind == Bytes {
		return f.Kind == g.Kind && f.Count == g.Count
	}
	if g.Count < f.Count {
		return false
	}
	low, high := valueRange(f)
	gLow, gHigh := valueRange(g)
	switch {
	case low != nil && gLow != nil && (g.Kind != Bool || f.Kind == Bool):
		return gLow.Cmp(low) <= 0 && high.Cmp(gHigh) <= 0
	case low != nil && f.Kind != Bool && g.Kind == F64:
		return high.BitLen() <= 53
	case low != nil && f.Kind != Bool && g.Kind == F32:
		return high.BitLen() <= 24
	case f.Kind == F32 && g.Kind == F64:
		return true
	}
	return f.Kind == g.Kind
}

func modelPlans(from, to *Layout) bool {
	for _, g := range to.Fields {
		for _, f := range from.Fields {
			if f.Name == g.Name && !modelConverts(f, g) {
				return false
			}
		}
	}
	return true
}

// elements returns the elements of a value as text that is equal for equal numbers, whatever their kind.
func elements(v any) []string {
	number := func(v any) string {
		switch v := v.(type) {
		case bool:
			if v {
				return "1"
			}
			return "0"
		case float64:
			if v == math.Trunc(v) && !math.IsInf(v, 0) && !(v == 0 && math.Signbit(v)) {
				i, _ := big.NewFloat(v).Int(nil)
				return i.String()
			}
			return fmt.Sprint(v)
		}
		return fmt.Sprint(v)
	}
	var all []string
	switch v := v.(type) {
	case []int64:
		for _, e := range v {
			all = append(all, number(e))
		}
	case []uint64:
		for _, e := range v {
			all = append(all, number(e))
		}
	case []float64:
		for _, e := range v {
			all = append(all, number(e))
		}
	case []bool:
		for _, e := range v {
			all = append(all, number(e))
		}
	default:
		all = append(all, number(v))
	}
	return all
}

// checkConverted compares the fields of dst after the conversion with src and with dst before it.
func checkConverted(t *rapid.T, from, to *Layout, src, before, after []byte) {
	old := map[string]Field{}
	for _, f := range from.Fields {
		old[f.Name] = f
	}
	for _, g := range to.Fields {
		f, kept := old[g.Name]
		if !kept {
			if !equalValues(g.Value(before), g.Value(after)) {
				t.Fatalf("new field %s: %v became %v", g.Name, g.Value(before), g.Value(after))
			}
			continue
		}
		switch {
		case f.Element != nil:
			for i := uint64(0); i < g.Count; i++ {
				at := func(b []byte, f Field) []byte {
					start := f.Offset + i*f.Element.Size
					return b[start : start+f.Element.Size]
				}
				if i >= f.Count {
					if !bytes.Equal(at(before, g), at(after, g)) {
						t.Fatalf("new element %s[%d] changed", g.Name, i)
					}
					continue
				}
				checkConverted(t, f.Element, g.Element, at(src, f), at(before, g), at(after, g))
			}
		case f.Kind == Bytes || f.Kind == Char:
			a, b := src[f.Offset:f.end()], after[g.Offset:g.end()]
			if !bytes.Equal(b[:len(a)], a) || len(bytes.Trim(b[len(a):], "\x00")) != 0 {
				t.Fatalf("%s: % x became % x", g.Name, a, b)
			}
		default:
			was, is := elements(f.Value(src)), elements(g.Value(after))
			want := append(slices.Clone(was), elements(g.Value(before))[len(was):]...)
			if !slices.Equal(is, want) {
				t.Fatalf("%s: %v became %v, want %v", g.Name, was, is, want)
			}
		}
	}
}

func equalValues(a, b any) bool { return fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b) }

// maskOf has a 1 for every bit that belongs to a field.
func maskOf(l *Layout) []byte {
	mask := make([]byte, l.Size)
	for _, f := range l.Fields {
		if f.Element != nil {
			inner := maskOf(f.Element)
			for i := uint64(0); i < f.Count; i++ {
				copy(mask[f.Offset+i*f.Element.Size:], inner)
			}
			continue
		}
		from, to := f.bits()
		for b := from; b < to; b++ {
			mask[b/8] |= 1 << (b % 8)
		}
	}
	return mask
}

func TestConversionAgreesWithTheModel(t *testing.T) {
	planned := 0
	checkOften(t, func(t *rapid.T) {
		from, to := drawLayout(t, "from"), drawLayout(t, "to")
		if rapid.Bool().Draw(t, "alike") {
			to = evolve(t, from, 0)
		}
		c, err := Plan(from, to)
		if want := modelPlans(from, to); (err == nil) != want {
			t.Fatalf("plan: %v, the model says %v\n%s%s", err, want, from, to)
		}
		if err != nil {
			var ce *ConversionError
			if !errors.As(err, &ce) || len(ce.Refusals) == 0 {
				t.Fatalf("got %v", err)
			}
			return
		}
		planned++
		src := rapid.SliceOfN(rapid.Byte(), int(from.Size), int(from.Size)).Draw(t, "src")
		before := rapid.SliceOfN(rapid.Byte(), int(to.Size), int(to.Size)).Draw(t, "dst")
		after := slices.Clone(before)
		c.Apply(after, src)
		checkConverted(t, from, to, src, before, after)
		for i, m := range maskOf(to) {
			if (after[i]^before[i])&^m != 0 {
				t.Fatalf("byte %d beside the fields changed", i)
			}
		}
		if !c.Reversible() {
			return
		}
		back, err := Plan(to, from)
		if err != nil {
			t.Fatalf("called reversible, but: %v", err)
		}
		again := make([]byte, from.Size)
		back.Apply(again, after)
		if !equalValues(normal(from, again), normal(from, src)) {
			t.Fatalf("there and back: %v became %v", from.Values(src), from.Values(again))
		}
	})
	if planned == 0 {
		t.Error("no conversion was ever possible: the test tests nothing")
	}
}

// normal returns the values with everything after a text's NUL included.
func normal(l *Layout, shard []byte) []Value {
	values := l.Values(shard)
	for i, f := range l.Fields {
		if f.Kind == Char {
			values[i].Value = slices.Clone(f.bytes(shard))
		}
	}
	return values
}

// The conversions by example: what the bytes are afterwards.
func TestApply(t *testing.T) {
	bit := func(kind Kind, at, width uint8) *Layout {
		return newLayout(2, SourceDWARF, "state_t", []Field{{Name: "f", Kind: kind, Size: 2, Count: 1, BitOffset: at, BitSize: width}})
	}
	one := func(kind string, count uint64) *Layout {
		l := table(t, 64, fmt.Sprintf("f %s 0 %d", kind, count))
		l.Size = l.Fields[0].Size
		return l
	}
	tests := []struct {
		name     string
		from, to *Layout
		src, dst string
		want     string
	}{
		{"text is ended", one("char", 2), one("char", 4), "ab", "wxyz", "ab\x00\x00"},
		{"arrays keep what init wrote", one("u8", 2), one("u8", 4), "ab", "wxyz", "abyz"},
		{"sign is extended", one("i8", 2), one("i16", 2), "\xfe\x02", "wxyz", "\xfe\xff\x02\x00"},
		{"unsigned is not", one("u8", 1), one("i32", 1), "\xfe", "wxyz", "\xfe\x00\x00\x00"},
		{"a bool of 2 is true", one("bool", 2), one("u16", 2), "\x02\x00", "wxyz", "\x01\x00\x00\x00"},
		{"int to double", one("i32", 1), one("f64", 1), "\xff\xff\xff\xff", "01234567", "\x00\x00\x00\x00\x00\x00\xf0\xbf"},
		{"unsigned to float", one("u8", 1), one("f32", 1), "\xff", "wxyz", "\x00\x00\x7f\x43"},
		{"float to double", one("f32", 1), one("f64", 1), "\x00\x00\x80\xbf", "01234567", "\x00\x00\x00\x00\x00\x00\xf0\xbf"},
		{"signed bits", bit(I8, 1, 3), bit(I16, 4, 5), "\x0c\x00", "\xff\xff", "\xef\xff"},
		{"unsigned bits", bit(U8, 1, 3), bit(I16, 4, 5), "\x0c\x00", "\xff\xff", "\x6f\xfe"},
		{"bits to a number", bit(I8, 7, 3), one("i16", 1), "\x80\x02", "..", "\xfd\xff"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Plan(tt.from, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			dst := []byte(tt.dst)
			c.Apply(dst, []byte(tt.src))
			if string(dst) != tt.want {
				t.Errorf("got % x, want % x", dst, tt.want)
			}
		})
	}
	if _, err := Plan(bit(Bool, 0, 1), bit(I8, 0, 1)); err == nil {
		t.Error("true converts to one signed bit")
	}
}

func TestPlanRefusals(t *testing.T) {
	tests := []struct {
		name     string
		from, to string // kind and count of the field
		want     string // empty: converts
	}{
		{"same", "i32 1", "i32 1", ""},
		{"wider", "i32 1", "i64 1", ""},
		{"wider from unsigned", "u16 1", "i32 1", ""},
		{"narrower", "i64 1", "i32 1", "64 bits do not fit into 32"},
		{"signed to unsigned", "i32 1", "u64 1", "negative numbers would be lost"},
		{"unsigned to signed", "u32 1", "i32 1", "large numbers would become negative"},
		{"float to double", "f32 1", "f64 1", ""},
		{"double to float", "f64 1", "f32 1", "digits would be lost"},
		{"int to double", "i32 1", "f64 1", ""},
		{"long to double", "i64 1", "f64 1", "f64 holds 54 of its 64 bits exactly"},
		{"short to float", "u16 1", "f32 1", ""},
		{"int to float", "i32 1", "f32 1", "f32 holds 25 of its 32 bits exactly"},
		{"double to int", "f64 1", "i64 1", "f64 does not become i64 without a migrate function"},
		{"bool to int", "bool 1", "u8 1", ""},
		{"int to bool", "u8 1", "bool 1", "u8 does not become bool"},
		{"text to numbers", "char 4", "u8 4", "char does not become u8"},
		{"longer text", "char 4", "char 9", ""},
		{"shorter text", "char 4", "char 3", "the array would lose 1 elements"},
		{"longer array", "f64 2", "f64 3", ""},
		{"longer array of wider", "i8 2", "i16 3", ""},
		{"shorter array", "f64 3", "f64 2", "the array would lose 1 elements"},
		{"pointer", "pointer 1", "pointer 1", "addresses"},
		{"pointer to number", "pointer 1", "u64 1", "addresses"},
		{"bytes", "bytes 5", "bytes 5", ""},
		{"bytes of another size", "bytes 5", "bytes 6", "only to the same bytes"},
		{"bytes to numbers", "bytes 4", "i32 1", "only to the same bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			one := func(spec string) *Layout {
				kind, count, _ := strings.Cut(spec, " ")
				l := table(t, 64, fmt.Sprintf("f %s 0 %s", kind, count))
				l.Size = l.Fields[0].Size
				return l
			}
			_, err := Plan(one(tt.from), one(tt.to))
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "; f (") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPlanOfLayouts(t *testing.T) {
	base := table(t, 16, "score i32 0", "time f64 8")
	fromText, err := FromDeclaration([]byte("typedef struct { int score; double time; } state_t;"), "", 16)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []*Layout{SizeOnly(16), fromText} {
		if _, err := Plan(base, other); !errors.Is(err, ErrUndescribed) {
			t.Errorf("got %v", err)
		}
		if _, err := Plan(other, base); !errors.Is(err, ErrUndescribed) {
			t.Errorf("got %v", err)
		}
	}

	c, err := Plan(base, table(t, 24, "hp u8 0", "time f64 8", "score i64 16"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Added, []string{"hp"}) || c.Dropped != nil || c.Reversible() {
		t.Errorf("added %v, dropped %v, reversible %v", c.Added, c.Dropped, c.Reversible())
	}
	c, err = Plan(base, table(t, 24, "time f64 0", "score i32 8", "hp i32 12", "x f64 16"))
	if err != nil || !c.Reversible() {
		t.Errorf("moved and added: %v", err)
	}
	c, err = Plan(base, table(t, 8, "time f64 0"))
	if err != nil || !slices.Equal(c.Dropped, []string{"score"}) || c.Reversible() {
		t.Errorf("dropped: %v %v", c, err)
	}

	refused := func(name string, from, to *Layout, want string) {
		t.Helper()
		if _, err := Plan(from, to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	partial := table(t, 16, "score i32 0")
	refused("unlisted bytes of the running state", partial, base, "(unlisted) (bytes[12]@4 to unknown): the running field table")
	refused("unlisted bytes of the candidate", base, partial, "(unlisted) (unknown to bytes[12]@4): the candidate field table")
	refused("unlisted bytes before a field", table(t, 24, "time f64 16"), base, "bytes[16]@0")
	whole := table(t, 8, "pos bytes 0 8")
	divided := debug(table(t, 8, "pos.x f32 0", "pos.y f32 4"))
	refused("a struct that was bytes", whole, divided, "the other has it as a whole")
	refused("bytes that were a struct", divided, whole, "the other has it as a whole")
	if _, err := Plan(table(t, 16, "a u8 0", "time f64 8"), base); err != nil {
		t.Errorf("padding is refused: %v", err)
	}
}

func TestApplyPanicsOnShortSlices(t *testing.T) {
	c, err := Plan(table(t, 16, "score i32 0", "time f64 8"), table(t, 16, "time f64 0", "score i64 8"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range [][2]int{{15, 16}, {16, 15}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for %v", n)
				}
			}()
			c.Apply(make([]byte, n[0]), make([]byte, n[1]))
		}()
	}
}

// everyStep is a conversion that uses each kind of step.
func everyStep(t testing.TB) *Conversion {
	element := func(hp Kind) *Layout {
		return newLayout(16, SourceDWARF, "item", []Field{
			{Name: "hp", Kind: hp, Size: hp.Size(), Count: 1},
			{Name: "x", Kind: F32, Offset: 8, Size: 4, Count: 1}})
	}
	layout := func(n Kind, f Kind, text uint64, hp Kind) *Layout {
		return newLayout(2048, SourceDWARF, "state_t", []Field{
			{Name: "n", Kind: n, Offset: 0, Size: n.Size(), Count: 1},
			{Name: "bit", Kind: I32, Offset: 8, Size: 2, Count: 1, BitOffset: 3, BitSize: uint8(n.Size() * 2)},
			{Name: "f", Kind: f, Offset: 16, Size: 4 * f.Size(), Count: 4},
			{Name: "i", Kind: n, Offset: 64, Size: n.Size(), Count: 1},
			{Name: "text", Kind: Char, Offset: 80, Size: text, Count: text},
			{Name: "b", Kind: Bool, Offset: 200, Size: 1, Count: 1},
			{Name: "items", Kind: Bytes, Offset: 208, Size: 64 * 16, Count: 64, Element: element(hp)}})
	}
	c, err := Plan(layout(I16, F32, 16, I16), layout(I32, F64, 32, F64))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestApplyAllocatesNothing(t *testing.T) {
	c := everyStep(t)
	dst, src := make([]byte, 2048), make([]byte, 2048)
	if n := testing.AllocsPerRun(100, func() { c.Apply(dst, src) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkApply(b *testing.B) {
	c := everyStep(b)
	dst, src := make([]byte, 2048), make([]byte, 2048)
	b.SetBytes(2048)
	for b.Loop() {
		c.Apply(dst, src)
	}
}

func BenchmarkFromDWARF(b *testing.B) {
	path := compileC(b, seedC)
	for b.Loop() {
		if _, err := FromDWARF(path, "", 16); err != nil {
			b.Fatal(err)
		}
	}
}
