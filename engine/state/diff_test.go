package state

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// table makes a layout of "name kind offset count" lines.
func table(t testing.TB, size uint64, lines ...string) *Layout {
	t.Helper()
	var entries []Entry
	for _, line := range lines {
		var e Entry
		var kind string
		e.Count = 1
		if n, err := fmt.Sscan(line, &e.Name, &kind, &e.Offset, &e.Count); n < 3 {
			t.Fatalf("%q: %v", line, err)
		}
		for k := I8; k <= Bytes; k++ {
			if k.String() == kind {
				e.Type = uint32(k)
			}
		}
		entries = append(entries, e)
	}
	l, err := FromTable(size, entries)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// debug turns a layout into one from debug information.
func debug(l *Layout) *Layout {
	copied := *l
	copied.Source = SourceDWARF
	return &copied
}

func lines(diff []Difference) string {
	var b strings.Builder
	for _, d := range diff {
		fmt.Fprintf(&b, "%s %s %s|%s\n", d.Name, d.Change, d.Running, d.Candidate)
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	base := table(t, 32, "score i32 0", "time f64 8", "name char 16 8", "lives u8 24")
	tests := []struct {
		name      string
		candidate *Layout
		want      string
	}{
		{"equal", table(t, 32, "lives u8 24", "name char 16 8", "time f64 8", "score i32 0"), ""},
		{"swapped", table(t, 32, "time f64 0", "score i32 8", "name char 16 8", "lives u8 24"),
			"score moved i32@0|i32@8\ntime moved f64@8|f64@0\n"},
		{"retyped", table(t, 32, "score f32 0", "time f64 8", "name char 16 8", "lives i8 24"),
			"score retyped i32@0|f32@0\nlives retyped u8@24|i8@24\n"},
		{"resized", table(t, 40, "score i32 0", "time f64 8", "name char 16 16", "lives u8 32"),
			"(state) resized 32 bytes|40 bytes\nname resized char[8]@16|char[16]@16\nlives moved u8@24|u8@32\n"},
		{"added and removed", table(t, 32, "score i32 0", "time f64 8", "name char 16 8", "hp i16 26"),
			"lives removed u8@24|absent\nhp added absent|i16@26\n"},
		{"renamed", table(t, 32, "points i32 0", "time f64 8", "name char 16 8", "lives u8 24"),
			"score renamed score i32@0|points i32@0\n"},
		{"size only", SizeOnly(40), "(state) resized 32 bytes|40 bytes\n"},
		{"size only, equal", SizeOnly(32), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(Diff(base, tt.candidate))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if Compatible(base, tt.candidate) != (tt.want == "") {
				t.Errorf("compatible: %v", Compatible(base, tt.candidate))
			}
		})
	}
}

func TestCompatibleAcrossSources(t *testing.T) {
	full := table(t, 24, "score i32 0", "pos.x f32 4", "pos.y f32 8", "time f64 16")
	fromText, err := FromDeclaration([]byte("typedef struct { float other; double d[2]; } state_t;"), "", 24)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name               string
		running, candidate *Layout
		want               bool
	}{
		{"size only", full, SizeOnly(24), true},
		{"size only, other size", full, SizeOnly(16), false},
		{"source text is not relied on", full, fromText, true},
		{"the same from both sources", full, debug(full), true},
		{"a table with fewer fields", table(t, 24, "score i32 0"), debug(full), true},
		{"a table with fewer fields, reversed", debug(full), table(t, 24, "time f64 16"), true},
		{"a table that calls a struct bytes", table(t, 24, "score i32 0", "pos bytes 4 8", "time f64 16"), debug(full), true},
		{"and reversed", debug(full), table(t, 24, "score i32 0", "pos bytes 4 8", "time f64 16"), true},
		{"a table that calls a number bytes", table(t, 24, "score bytes 0 4"), debug(full), true},
		{"bytes across an edge", table(t, 24, "pos bytes 2 8"), debug(full), false},
		{"a number over two others", table(t, 24, "both u64 4"), debug(full), false},
		{"and reversed, two under a number", debug(full), table(t, 24, "both u64 4"), false},
		{"a field the other does not have", table(t, 24, "points i32 12"), debug(full), false},
		{"a field of another kind", table(t, 24, "score u32 0"), debug(full), false},
		{"a field elsewhere", debug(full), table(t, 24, "time f64 8"), false},
		{"two tables, one with fewer fields", table(t, 24, "score i32 0"), full, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Compatible(tt.running, tt.candidate); got != tt.want {
				t.Errorf("compatible: %v; %s", got, lines(Diff(tt.running, tt.candidate)))
			}
		})
	}
}

func TestDiffAcrossSources(t *testing.T) {
	full := debug(table(t, 24, "score i32 0", "pos.x f32 4", "pos.y f32 8", "time f64 16"))
	got := lines(Diff(full, table(t, 24, "both u64 4")))
	if want := "pos.x removed f32@4|absent\npos.y removed f32@8|absent\nboth added absent|u64@4\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestDiffInsideElements(t *testing.T) {
	layout := func(count uint64, fields ...Field) *Layout {
		e := newLayout(8, SourceDWARF, "item", fields)
		return newLayout(count*8, SourceDWARF, "state_t", []Field{
			{Name: "items", Kind: Bytes, Size: count * 8, Count: count, Element: e}})
	}
	hp := Field{Name: "hp", Kind: I32, Size: 4, Count: 1}
	x := Field{Name: "x", Kind: F32, Offset: 4, Size: 4, Count: 1}
	moved, shifted := x, hp
	moved.Offset, shifted.Offset = 0, 4
	got := lines(Diff(layout(4, hp, x), layout(4, moved, shifted)))
	if want := "items[].hp moved i32@0|i32@4\nitems[].x moved f32@4|f32@0\n"; got != want {
		t.Errorf("got %s", got)
	}
	points := hp
	points.Name = "points"
	renamed := layout(4, points, x)
	renamed.Fields[0].Name = "things"
	got = lines(Diff(layout(4, hp, x), renamed))
	if want := "items removed struct[4]@0|absent\nthings added absent|struct[4]@0\n"; got != want {
		t.Errorf("got %s", got)
	}
	got = lines(Diff(layout(4, hp, x), layout(5, hp, x)))
	if want := "(state) resized 32 bytes|40 bytes\nitems resized struct[4]@0|struct[5]@0\n"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestPrintDiff(t *testing.T) {
	var b strings.Builder
	differences := Diff(
		table(t, 16, "score i32 0", "time f64 8"),
		table(t, 24, "score i64 0", "time f64 8", "hp u8 16"))
	if err := PrintDiff(&b, differences, nil); err != nil {
		t.Fatal(err)
	}
	const want = `field    change   running   candidate
(state)  resized  16 bytes  24 bytes
score    retyped  i32@0     i64@0
hp       added    absent    u8@16
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	b.Reset()
	if err := PrintDiff(&b, differences[1:], map[string]string{"score": "why not"}); err != nil {
		t.Fatal(err)
	}
	const reasoned = `field  change   running  candidate  in the way
score  retyped  i32@0    i64@0      why not
hp     added    absent   u8@16
`
	if diff := cmp.Diff(reasoned, b.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Types may be called otherwise where the memory is the same, in elements of arrays too.
func TestRenames(t *testing.T) {
	const source = `
		typedef %s item;
		typedef struct { int hp; struct { item weight; char tag; } items[3]; enum %s { RED } hue; } state_t;
		state_t s;`
	layout := func(item, colour string) *Layout {
		t.Helper()
		l, err := FromDWARF(compileC(t, fmt.Sprintf(source, item, colour)), "state_t", 32)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	running := layout("int", "color")
	if list := Renames(running, running); len(list) != 0 {
		t.Errorf("the same layout: %v", list)
	}
	candidate := layout("signed", "colour")
	if list := Renames(running, candidate); !Compatible(running, candidate) || len(list) != 1 || list[0] != (Rename{"hue", "enum color", "enum colour"}) {
		t.Errorf("expected one rename, got %v", list)
	}
	if list := Renames(running, SizeOnly(running.Size)); len(list) != 0 {
		t.Errorf("of a layout without fields: %v", list)
	}
}

// The hash and the list of differences must agree on what is the same.
func TestHashAgreesWithDiff(t *testing.T) {
	checkOften(t, func(t *rapid.T) {
		a := drawLayout(t, "a")
		b := drawLayout(t, "b")
		if rapid.Bool().Draw(t, "alike") {
			b = evolve(t, a, 0)
		}
		equal := a.Hash() == b.Hash()
		if none := len(Diff(a, b)) == 0; none != equal || Compatible(a, b) != equal {
			t.Fatalf("equal hashes: %v, differences:\n%s\n%s%s", equal, lines(Diff(a, b)), a, b)
		}
	})
}
