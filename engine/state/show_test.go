package state

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is a layout with one field of each sort and a shard that fills it.
func sample(t *testing.T) (*Layout, []byte) {
	t.Helper()
	element := newLayout(8, SourceDWARF, "item", []Field{
		{Name: "hp", Kind: I16, Type: "short", Offset: 0, Size: 2, Count: 1},
		{Name: "speed", Kind: F32, Type: "float", Offset: 4, Size: 4, Count: 1},
	})
	l := newLayout(128, SourceDWARF, "state_t", []Field{
		{Name: "score", Kind: I32, Type: "int", Offset: 0, Size: 4, Count: 1},
		{Name: "time", Kind: F64, Type: "double", Offset: 8, Size: 8, Count: 1},
		{Name: "pos.x", Kind: F32, Type: "float", Offset: 16, Size: 4, Count: 1},
		{Name: "pos.y", Kind: F32, Type: "float", Offset: 20, Size: 4, Count: 1},
		{Name: "name", Kind: Char, Type: "char[8]", Offset: 24, Size: 8, Count: 8},
		{Name: "on", Kind: Bool, Type: "bool", Offset: 32, Size: 1, Count: 1},
		{Name: "lamps", Kind: Bool, Type: "bool[3]", Offset: 33, Size: 3, Count: 3},
		{Name: "low", Kind: U32, Type: "unsigned:3", Offset: 36, Size: 1, Count: 1, BitSize: 3},
		{Name: "high", Kind: I32, Type: "int:9", Offset: 36, Size: 2, Count: 1, BitOffset: 3, BitSize: 9},
		{Name: "primes", Kind: U16, Type: "short[10]", Offset: 38, Size: 20, Count: 10},
		{Name: "deltas", Kind: I8, Type: "int8_t[2]", Offset: 58, Size: 2, Count: 2},
		{Name: "ratios", Kind: F64, Type: "double[2]", Offset: 64, Size: 16, Count: 2},
		{Name: "head", Kind: Pointer, Type: "void *", Offset: 80, Size: 8, Count: 1, pointers: true},
		{Name: "items", Kind: Bytes, Type: "struct item[2]", Offset: 88, Size: 16, Count: 2, Element: element},
		{Name: "blob", Kind: Bytes, Type: "union u", Offset: 104, Size: 20, Count: 20},
	})
	checkLayout(t, l)
	b := make([]byte, 128)
	le := binary.LittleEndian
	le.PutUint32(b[0:], uint32(0xfffffff6)) // -10
	le.PutUint64(b[8:], math.Float64bits(0.1*3))
	le.PutUint32(b[16:], math.Float32bits(1.5))
	le.PutUint32(b[20:], math.Float32bits(-2))
	copy(b[24:], "ann\x00zzz")
	b[32], b[34] = 1, 1
	storeBits(b[36:], 0, 3, 5)
	minus := int64(-200)
	storeBits(b[36:], 3, 9, uint64(minus))
	for i, p := range []uint16{2, 3, 5, 7, 11, 13, 17, 19, 23, 29} {
		le.PutUint16(b[38+2*i:], p)
	}
	b[58], b[59] = 0xff, 3
	le.PutUint64(b[64:], math.Float64bits(1e9))
	le.PutUint64(b[72:], math.Float64bits(math.Inf(-1)))
	le.PutUint64(b[80:], 0x7f00deadbeef)
	b[88], b[96] = 100, 50
	b[104], b[123] = 0xab, 0xcd
	return l, b
}

func TestValues(t *testing.T) {
	l, shard := sample(t)
	blob := make([]byte, 20)
	blob[0], blob[19] = 0xab, 0xcd
	third := 0.1
	want := []Value{
		{"score", int64(-10)}, {"time", third * 3}, {"pos.x", 1.5}, {"pos.y", -2.0}, {"name", "ann"},
		{"on", true}, {"lamps", []bool{false, true, false}}, {"low", uint64(5)}, {"high", int64(-200)},
		{"primes", []uint64{2, 3, 5, 7, 11, 13, 17, 19, 23, 29}}, {"deltas", []int64{-1, 3}},
		{"ratios", []float64{1e9, math.Inf(-1)}}, {"head", uint64(0x7f00deadbeef)},
		{"items", [][]Value{{{"hp", int64(100)}, {"speed", 0.0}}, {{"hp", int64(50)}, {"speed", 0.0}}}},
		{"blob", blob},
	}
	got := l.Values(shard)
	got[1].Value = math.Round(got[1].Value.(float64)*1e12) / 1e12
	want[1].Value = 0.3
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	short := l.Values(shard[:12])
	if short[0].Value != int64(-10) || short[1].Value != nil || short[14].Value != nil {
		t.Errorf("of a short shard: %v", short)
	}
	blobOf := got[14].Value.([]byte)
	shard[104] = 0
	if blobOf[0] != 0xab {
		t.Error("the value refers to the shard")
	}
}

func TestSelect(t *testing.T) {
	l, shard := sample(t)
	tests := []struct {
		names []string
		want  string
	}{
		{nil, "score=-10"},
		{[]string{"time"}, "time=0.3"},
		{[]string{"pos"}, "pos.x=1.5 pos.y=-2"},
		{[]string{"pos.y", "score"}, "pos.y=-2 score=-10"},
		{[]string{"primes[3]", "lamps[1]", "deltas[0]"}, "primes[3]=7 lamps[1]=true deltas[0]=-1"},
		{[]string{"items"}, "items=[{hp=100 speed=0} {hp=50 speed=0}]"},
		{[]string{"items[1]"}, "items[1].hp=50 items[1].speed=0"},
		{[]string{"items[0].hp"}, "items[0].hp=100"},
		{[]string{"all"}, "score=-10 time=0.3 pos.x=1.5 pos.y=-2 name=ann on=true lamps=[false true false] low=5 high=-200 " +
			"primes=[2 3 5 7 11 13 17 19 ..] deltas=[-1 3] ratios=[1e+09 -Inf] head=0x7f00deadbeef " +
			"items=[{hp=100 speed=0} {hp=50 speed=0}] " +
			"blob=20 ab 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 .."},
	}
	for _, tt := range tests {
		fields, err := l.Select(tt.names)
		if err != nil {
			t.Errorf("%v: %v", tt.names, err)
			continue
		}
		if got := Line(fields, shard); got != tt.want {
			t.Errorf("%v:\ngot  %s\nwant %s", tt.names, got, tt.want)
		}
	}
	for _, name := range []string{"", "sc", "po", "pos.", "pos.z", "primes[10]", "primes[-1]", "primes[x]", "primes[1", "primes[1]x",
		"primes[1].x", "items[2]", "items[0]hp", "items[0].xp", "blob[0]", "score[1]", "name.x"} {
		if _, err := l.Select([]string{"score", name}); err == nil || !strings.Contains(err.Error(), "there are: score, time, pos.x") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSelectShownFields(t *testing.T) {
	l, err := FromTable(16, []Entry{
		{Name: "a", Type: uint32(I32), Offset: 0, Count: 1},
		{Name: "b", Type: uint32(I32), Offset: 4, Count: 1, Flags: flagShow},
		{Name: "c", Type: uint32(I32), Offset: 8, Count: 1, Flags: flagShow},
	})
	if err != nil {
		t.Fatal(err)
	}
	fields, err := l.Select(nil)
	if err != nil || Line(fields, make([]byte, 16)) != "b=0 c=0" {
		t.Errorf("%v %v", fields, err)
	}
}

func TestSizeOnlyShowsItsBytes(t *testing.T) {
	shard := make([]byte, 24)
	shard[0] = 1
	for _, names := range [][]string{nil, {"all"}, {"bytes"}} {
		fields, err := SizeOnly(24).Select(names)
		if err != nil {
			t.Fatal(err)
		}
		want := "bytes=24 01" + strings.Repeat(" 00", 15) + " .."
		if got := Line(fields, shard); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if _, err := SizeOnly(24).Select([]string{"score"}); err == nil || !strings.Contains(err.Error(), "build with -g") {
		t.Errorf("got %v", err)
	}
}

func TestLineOverShards(t *testing.T) {
	le := binary.LittleEndian
	integer := func(v int32) []byte { return le.AppendUint32(nil, uint32(v)) }
	double := func(v float64) []byte { return le.AppendUint64(nil, math.Float64bits(v)) }
	tests := []struct {
		name   string
		field  Field
		shards [][]byte
		want   string
	}{
		{"no shards", Field{Kind: I32, Size: 4, Count: 1}, nil, "f=?"},
		{"equal", Field{Kind: I32, Size: 4, Count: 1}, [][]byte{integer(5), integer(5)}, "f=5"},
		{"range", Field{Kind: I32, Size: 4, Count: 1}, [][]byte{integer(5), integer(-3), integer(17)}, "f=-3..17"},
		{"unsigned range", Field{Kind: U32, Size: 4, Count: 1}, [][]byte{integer(-1), integer(1)}, "f=1..4294967295"},
		{"floats", Field{Kind: F64, Size: 8, Count: 1}, [][]byte{double(0.5), double(1e7), double(2)}, "f=0.5..1e+07"},
		{"floats that look equal", Field{Kind: F64, Size: 8, Count: 1}, [][]byte{double(1), double(1 + 1e-12)}, "f=1"},
		{"not a number", Field{Kind: F64, Size: 8, Count: 1}, [][]byte{double(math.NaN()), double(1)}, "f=NaN.."},
		{"booleans", Field{Kind: Bool, Size: 1, Count: 1}, [][]byte{{1}, {0}, {1}}, "f=false..true"},
		{"bit-fields", Field{Kind: I32, Size: 1, Count: 1, BitOffset: 2, BitSize: 3}, [][]byte{{0x10}, {0x0c}, {0xe3}}, "f=-4..3"},
		{"text", Field{Kind: Char, Size: 4, Count: 4}, [][]byte{[]byte("ann\x00"), []byte("bob\x00")}, "f=ann.."},
		{"text with the same words", Field{Kind: Char, Size: 4, Count: 4}, [][]byte{[]byte("a\x00xx"), []byte("a\x00yy")}, "f=a"},
		{"text to quote", Field{Kind: Char, Size: 8, Count: 8}, [][]byte{[]byte("a b\n=\x00\x00\x00")}, `f="a b\n="`},
		{"text that is none", Field{Kind: Char, Size: 2, Count: 2}, [][]byte{{0xff, 0x1b}}, `f="\xff\x1b"`},
		{"no text", Field{Kind: Char, Size: 2, Count: 2}, [][]byte{{0, 1}}, `f=""`},
		{"arrays", Field{Kind: U8, Size: 2, Count: 2}, [][]byte{{1, 2}, {1, 3}}, "f=[1 2].."},
		{"bytes", Field{Kind: Bytes, Size: 2, Count: 2}, [][]byte{{1, 2}, {1, 2}}, "f=2 01 02"},
		{"short shard", Field{Kind: I32, Size: 4, Count: 1}, [][]byte{{1, 2}}, "f=?"},
		{"one short shard", Field{Kind: I32, Size: 4, Count: 1}, [][]byte{integer(1), nil}, "f=1.."},
		{"large float", Field{Kind: F64, Size: 8, Count: 1}, [][]byte{double(1234567)}, "f=1.23457e+06"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.field.Name = "f"
			if got := Line([]Field{tt.field}, tt.shards...); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestPrint(t *testing.T) {
	l, _ := sample(t)
	const want = `state_t: 128 bytes, alignment 8 (debug information)
offset  size    type            name
0       4       int             score
4       4                       (padding)
8       8       double          time
16      4       float           pos.x
20      4       float           pos.y
24      8       char[8]         name
32      1       bool            on
33      3       bool[3]         lamps
36.0    3 bits  unsigned:3      low
36.3    9 bits  int:9           high
38      20      short[10]       primes
58      2       int8_t[2]       deltas
60      4                       (padding)
64      16      double[2]       ratios
80      8       void *          head
88      16      struct item[2]  items
+0      2       short           items[].hp
+2      2                       (padding)
+4      4       float           items[].speed
104     20      union u         blob
124     4                       (padding)
total 128 bytes, 15 fields, 16 bytes in no field
`
	if diff := cmp.Diff(want, l.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := SizeOnly(16).String(); got != "state: 16 bytes, alignment 1 (size only)\ntotal 16 bytes, nothing known of its fields\n" {
		t.Errorf("got %q", got)
	}
}

func TestBitFieldsRoundTrip(t *testing.T) {
	for width := uint8(1); width <= 64; width++ {
		for bit := uint8(0); bit < 8; bit++ {
			for _, v := range []uint64{0, 1, ^uint64(0), 0x5555555555555555, 1 << (width - 1)} {
				want := v & (^uint64(0) >> (64 - width))
				for _, around := range []byte{0, 0xff} {
					b := make([]byte, 9)
					for i := range b {
						b[i] = around
					}
					before := append([]byte{}, b...)
					storeBits(b, bit, width, v)
					if got := loadBits(b, bit, width, false); got != want {
						t.Fatalf("width %d, bit %d: stored %#x, loaded %#x", width, bit, want, got)
					}
					if got := int64(loadBits(b, bit, width, true)); got != int64(want<<(64-width))>>(64-width) {
						t.Fatalf("width %d, bit %d: signed %d", width, bit, got)
					}
					for i := uint8(0); i < 72; i++ {
						inside := i >= bit && i < bit+width
						if !inside && (b[i/8]^before[i/8])>>(i%8)&1 != 0 {
							t.Fatalf("width %d, bit %d: bit %d beside the field changed", width, bit, i)
						}
					}
				}
			}
		}
	}
}
