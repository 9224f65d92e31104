package abi

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
)

// image is a library of one segment at 0x1000: data, then from text on code.
type image struct {
	data []byte
	text uintptr
}

const imageBase = 0x1000

func (m image) Bytes(addr uintptr, n int) ([]byte, error) {
	end := imageBase + uintptr(len(m.data))
	if addr < imageBase || addr > end || uintptr(n) > end-addr {
		return nil, errors.New("outside")
	}
	return m.data[addr-imageBase:][:n], nil
}

func (m image) Text(addr uintptr) bool { return addr >= m.text && addr < m.text+0x1000 }

// plugin lays out a sound revision 1 plugin: the API at 0x1000, the fields behind it, then names.
func plugin() image {
	m := image{data: make([]byte, 512), text: 0x8000}
	put := func(off int, v uint64) { binary.LittleEndian.PutUint64(m.data[off:], v) }
	binary.LittleEndian.PutUint32(m.data[offVersion:], Version)
	binary.LittleEndian.PutUint32(m.data[offRevision:], Revision)
	put(offStateSize, 16)
	put(offInit, 0x8000)
	put(offTick, 0x8010)
	put(offShutdown, 0x8020)
	put(offFields, imageBase+128)
	put(offFieldCount, 2)
	for i, name := range []string{"score", "time"} {
		at := 128 + i*fieldSize
		put(at, uint64(imageBase+256+i*16))
		binary.LittleEndian.PutUint32(m.data[at+8:], uint32(5+5*i))
		binary.LittleEndian.PutUint32(m.data[at+12:], uint32(8*i))
		binary.LittleEndian.PutUint32(m.data[at+16:], 1)
		copy(m.data[256+i*16:], name)
	}
	return m
}

func TestReadsASoundPlugin(t *testing.T) {
	m := plugin()
	api, err := Read(m, imageBase)
	if err != nil {
		t.Fatal(err)
	}
	if api.StateSize != 16 || api.Tick != 0x8010 || len(api.Fields) != 2 || api.Fields[1].Name != "time" || api.Fields[1].Offset != 8 {
		t.Fatalf("%+v", api)
	}
	if err := Guard(m, api, Expectation{StateSize: 16}); err != nil {
		t.Fatal(err)
	}
}

func TestAPluginWithoutRevisionsReadsAsRevision0(t *testing.T) {
	m := plugin()
	m.data = m.data[:sizeRevision0] // nothing behind the request's struct may be touched
	binary.LittleEndian.PutUint32(m.data[offRevision:], 0)
	api, err := Read(m, imageBase)
	if err != nil {
		t.Fatal(err)
	}
	if api.Revision != 0 || api.Seed != 0 || api.Fields != nil {
		t.Fatalf("%+v", api)
	}
}

func TestANewerRevisionIsAccepted(t *testing.T) {
	m := plugin()
	binary.LittleEndian.PutUint32(m.data[offRevision:], 7)
	api, err := Read(m, imageBase)
	if err != nil {
		t.Fatal(err)
	}
	if err := Guard(m, api, Expectation{}); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	put := func(off int, v uint64) func(*image) {
		return func(m *image) { binary.LittleEndian.PutUint64(m.data[off:], v) }
	}
	tests := map[string]struct {
		change func(*image)
		addr   uintptr
		want   string
	}{
		"pointer null":          {addr: 0, want: "logic_get_api(): expected a pointer to a logic_api_t, got NULL"},
		"pointer wild":          {addr: 0xdead0000, want: "inside the library, got 0xdead0000"},
		"pointer at the end":    {addr: imageBase + 500, want: "inside the library"},
		"pointer at the top":    {addr: math.MaxUint64 - 3, want: "inside the library"},
		"revision without room": {addr: imageBase, change: func(m *image) { m.data = m.data[:64] }, want: "api_revision"},
		"version 2":             {addr: imageBase, change: func(m *image) { m.data[0] = 2 }, want: "api_version: expected 1, got 2"},
		"size 0":                {addr: imageBase, change: put(offStateSize, 0), want: "state_size: expected 1 to 1073741824 bytes, got 0"},
		"size absurd":           {addr: imageBase, change: put(offStateSize, 1<<63), want: "state_size: expected 1 to"},
		"size other":            {addr: imageBase, change: put(offStateSize, 24), want: "state_size: expected 16, got 24"},
		"init null":             {addr: imageBase, change: put(offInit, 0), want: "init: expected a function, got NULL"},
		"tick null":             {addr: imageBase, change: put(offTick, 0), want: "tick: expected a function, got NULL"},
		"shutdown null":         {addr: imageBase, change: put(offShutdown, 0), want: "shutdown: expected a function, got NULL"},
		"tick in data":          {addr: imageBase, change: put(offTick, imageBase), want: "tick: expected a function inside the library"},
		"seed elsewhere":        {addr: imageBase, change: put(offSeed, 0x7fff0000), want: "seed: expected a function inside the library, got 0x7fff0000"},
		"fields too many":       {addr: imageBase, change: put(offFieldCount, 1<<40), want: "field_count"},
		"fields outside":        {addr: imageBase, change: put(offFields, 0x10), want: "fields: expected 2 entries"},
		"name null":             {addr: imageBase, change: put(128, 0), want: "fields[0].name"},
		"name endless":          {addr: imageBase, change: func(m *image) { m.data = append(m.data[:256], []byte(strings.Repeat("x", 600))...) }, want: "without an end"},
		"name leaves":           {addr: imageBase, change: func(m *image) { m.data = append(m.data[:256], 'x', 'y') }, want: "leaves the library"},
		"name control":          {addr: imageBase, change: func(m *image) { m.data[256] = 7 }, want: "fields[0].name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := plugin()
			if tt.change != nil {
				tt.change(&m)
			}
			api, err := Read(m, tt.addr)
			if err == nil {
				err = Guard(m, api, Expectation{StateSize: 16})
			}
			var mismatch *Mismatch
			if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(plugin().data, uint16(0))
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
		m := image{data: data, text: 0x8000}
		api, err := Read(m, imageBase+uintptr(at))
		if err != nil {
			return
		}
		if Guard(m, api, Expectation{}) == nil && (!m.Text(api.Init) || !m.Text(api.Tick) || api.StateSize == 0) {
			t.Fatalf("guard let through %+v", api)
		}
	})
}
