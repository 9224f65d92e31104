package state

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func TestFromTable(t *testing.T) {
	l, err := FromTable(64, []Entry{
		{Name: "time", Type: uint32(F64), Offset: 8, Count: 1, Flags: 1},
		{Name: "score", Type: uint32(I32), Offset: 0, Count: 1},
		{Name: "pos.x", Type: uint32(F32), Offset: 17, Count: 1}, // packed
		{Name: "name", Type: uint32(Char), Offset: 21, Count: 16},
		{Name: "head", Type: uint32(Pointer), Offset: 40, Count: 2},
		{Name: "blob", Type: uint32(Bytes), Offset: 56, Count: 8},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "score i32@0\ntime f64@8\npos.x f32@17\nname char[16]@21\nhead pointer[2]@40\nblob bytes[8]@56\n"
	if got := places(l); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if !l.Pointers || l.Source != SourceTable || !l.Fields[1].Shown || l.Fields[0].Shown {
		t.Errorf("pointers %v, source %v, shown %v", l.Pointers, l.Source, l.Fields[1].Shown)
	}
}

func TestFromTableRefusals(t *testing.T) {
	good := Entry{Name: "score", Type: uint32(I32), Offset: 0, Count: 1}
	with := func(change func(*Entry)) []Entry {
		e := good
		change(&e)
		return []Entry{{Name: "first", Type: uint32(U8), Offset: 15, Count: 1}, e}
	}
	tests := []struct {
		name    string
		entries []Entry
		want    string
	}{
		{"no name", with(func(e *Entry) { e.Name = "" }), `entry 1 (""): name: expected a name, got none`},
		{"long name", with(func(e *Entry) { e.Name = strings.Repeat("x", 256) }), "expected at most 255 bytes, got 256 bytes"},
		{"name no UTF-8", with(func(e *Entry) { e.Name = "a\xff" }), `entry 1 ("a?"): name: expected UTF-8`},
		{"name with a space", with(func(e *Entry) { e.Name = "a b" }), "expected no spaces"},
		{"name with a newline", with(func(e *Entry) { e.Name = "a\nb" }), "expected no spaces"},
		{"name with an equals sign", with(func(e *Entry) { e.Name = "a=b" }), "expected no spaces"},
		{"name twice", with(func(e *Entry) { e.Name = "first" }), `name: expected a name of its own, got that of entry 0`},
		{"type 0", with(func(e *Entry) { e.Type = 0 }), "type: expected 1 to 14, got 0"},
		{"type unknown", with(func(e *Entry) { e.Type = 15 }), "type: expected 1 to 14, got 15"},
		{"type beyond a byte", with(func(e *Entry) { e.Type = 256 + 5 }), "got 261"},
		{"count 0", with(func(e *Entry) { e.Count = 0 }), "count: expected 1 or more, got 0"},
		{"unknown flag", with(func(e *Entry) { e.Flags = 2 }), "flags: expected 0 or LOGIC_SHOW (1), got 2"},
		{"reserved", with(func(e *Entry) { e.Reserved = 9 }), "reserved: expected 0, got 9"},
		{"beyond the end", with(func(e *Entry) { e.Offset = 13 }), "expected an end within the state's 16 bytes, got 1 times 4 bytes at offset 13"},
		{"count beyond the end", with(func(e *Entry) { e.Count = 5 }), "got 5 times 4 bytes at offset 0"},
		{"offset at the limit", with(func(e *Entry) { e.Offset = 1<<32 - 1 }), "offset 4294967295"},
		{"count at the limit", with(func(e *Entry) { e.Count = 1<<32 - 1; e.Type = uint32(F64) }), "4294967295 times 8 bytes"},
		{"overlap", with(func(e *Entry) { e.Offset = 12 }), `entry 0 ("first"): offset: expected 16 or more, behind score, got 15`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := FromTable(16, tt.entries)
			var fe *FieldError
			if !errors.As(err, &fe) {
				t.Fatalf("got %v, want a *FieldError", err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q does not say %q", err, tt.want)
			}
		})
	}
	if _, err := FromTable(16, nil); err == nil {
		t.Error("an empty table is accepted")
	}
	if _, err := FromTable(1<<20, make([]Entry, maxFields+1)); err == nil {
		t.Error("an endless table is accepted")
	}
}

// The kinds are numbers of the plugin's header; a renumbered constant would read every table wrong.
func TestKindsAreThoseOfTheHeader(t *testing.T) {
	for want, kind := range []Kind{0, I8, U8, I16, U16, I32, U32, I64, U64, F32, F64, Bool, Char, Pointer, Bytes} {
		if int(kind) != want {
			t.Errorf("%v is %d, want %d", kind, kind, want)
		}
	}
}

// checkLayout asserts what every layout promises.
func checkLayout(t *testing.T, l *Layout) {
	t.Helper()
	names := map[string]bool{}
	var end uint64
	for _, f := range l.Fields {
		from, to := f.bits()
		if from < end || to > l.Size*8 || to < from || f.end() > l.Size {
			t.Fatalf("field %s at bits %d to %d, the one before ends at %d, the state at %d", f.Name, from, to, end, l.Size*8)
		}
		end = to
		if names[f.Name] || f.Name == "" {
			t.Fatalf("name %q", f.Name)
		}
		names[f.Name] = true
		if !f.Kind.Valid() || f.Count == 0 || f.BitSize == 0 && f.Count*f.stride() != f.Size {
			t.Fatalf("field %+v", f)
		}
		if f.Element != nil {
			checkLayout(t, f.Element)
		}
	}
	if len(Diff(l, l)) != 0 || !Compatible(l, l) {
		t.Fatal("a layout differs from itself")
	}
	for _, length := range []uint64{0, l.Size / 2, l.Size} {
		if length > 1<<20 {
			continue
		}
		shard := make([]byte, length)
		l.Values(shard)
		Line(l.Fields, shard, shard)
	}
	if l.Size < 1<<20 {
		_ = l.String()
	}
}

func FuzzFromTable(f *testing.F) {
	encode := func(size uint32, entries ...Entry) []byte {
		b := binary.LittleEndian.AppendUint32(nil, size)
		for _, e := range entries {
			b = append(b, byte(len(e.Name)))
			b = append(b, e.Name...)
			for _, v := range []uint32{e.Type, e.Offset, e.Count, e.Flags, uint32(e.Reserved)} {
				b = binary.LittleEndian.AppendUint32(b, v)
			}
		}
		return b
	}
	f.Add(encode(16, Entry{"score", 5, 0, 1, 1, 0}, Entry{"time", 10, 8, 1, 0, 0}))
	f.Add(encode(64, Entry{"name", 12, 3, 16, 0, 0}, Entry{"p", 13, 24, 2, 0, 0}, Entry{"b", 14, 40, 24, 0, 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		size := uint64(binary.LittleEndian.Uint32(b))
		b = b[4:]
		var entries []Entry
		for len(b) > 0 {
			n := int(b[0])
			if len(b) < 1+n+20 {
				break
			}
			e := Entry{Name: string(b[1 : 1+n])}
			b = b[1+n:]
			e.Type, e.Offset = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
			e.Count, e.Flags = binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
			e.Reserved = uint64(binary.LittleEndian.Uint32(b[16:]))
			entries = append(entries, e)
			b = b[20:]
		}
		l, err := FromTable(size, entries)
		if err != nil {
			return
		}
		if len(l.Fields) != len(entries) {
			t.Fatalf("%d fields of %d entries", len(l.Fields), len(entries))
		}
		checkLayout(t, l)
	})
}
