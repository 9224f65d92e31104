package abi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// The version and the newest revision of logic_api_t that this package knows.
const (
	Version  = 1
	Revision = 1
)

// Offsets and sizes of logic_api_t and logic_field_t on 64-bit targets, as in logic.h.
const (
	offVersion       = 0
	offRevision      = 4
	offStateSize     = 8
	offInit          = 16
	offTick          = 24
	offShutdown      = 32
	sizeRevision0    = 40
	offSeed          = 40
	offTickBatch     = 48
	offBeforeReload  = 56
	offAfterReload   = 64
	offMigrate       = 72
	offFields        = 80
	offFieldCount    = 88
	offStateRevision = 96
	sizeRevision1    = 104

	fieldSize   = 32
	maxFields   = 1 << 16
	maxNameSize = 255
)

// API is what a plugin offers. Functions are addresses in the plugin's text; an optional one that is absent is 0.
type API struct {
	Version   int32
	Revision  int32
	StateSize uint64

	Init, Tick, Shutdown uintptr

	Seed, TickBatch           uintptr
	BeforeReload, AfterReload uintptr
	Migrate                   uintptr
	Fields                    []Field
	StateRevision             int32
}

// Field is one logic_field_t.
type Field struct {
	Name     string
	Type     uint32 // logic_type_t
	Offset   uint32
	Count    uint32
	Flags    uint32
	Reserved uint64
}

// Memory is the image of the library that is being read.
type Memory interface {
	// Bytes returns n bytes at addr, or an error when not all of them are readable and inside the library.
	Bytes(addr uintptr, n int) ([]byte, error)
	// Text tells whether addr is inside the library's executable memory.
	Text(addr uintptr) bool
}

// Read reads the logic_api_t at addr, which logic_get_api returned. Fields of a revision that the plugin does not have
// are zero. The error is a *Mismatch.
func Read(m Memory, addr uintptr) (API, error) {
	if addr == 0 {
		return API{}, &Mismatch{Field: "logic_get_api()", Expected: "a pointer to a logic_api_t", Actual: "NULL"}
	}
	raw, err := m.Bytes(addr, sizeRevision0)
	if err != nil {
		return API{}, &Mismatch{
			Field: "logic_get_api()", Expected: "a logic_api_t inside the library", Actual: fmt.Sprintf("%#x", addr),
			Hint: "give the struct static storage",
		}
	}
	api := decode(raw)
	if api.Version != Version {
		// Another version may have another struct: nothing more of it is read.
		return API{Version: api.Version, Revision: api.Revision}, nil
	}
	if api.Revision < 1 {
		return api, nil
	}
	raw, err = m.Bytes(addr, sizeRevision1)
	if err != nil {
		return API{}, &Mismatch{
			Field: "api_revision", Expected: "a logic_api_t as long as its revision says",
			Actual: fmt.Sprintf("revision %d of a struct at the end of the library", api.Revision),
			Hint:   "zero the padding after api_version, or use logic.h",
		}
	}
	api = decode(raw)
	word := binary.LittleEndian.Uint64
	api.Fields, err = readFields(m, uintptr(word(raw[offFields:])), word(raw[offFieldCount:]))
	return api, err
}

func decode(raw []byte) API {
	word := func(off int) uint64 {
		if off+8 > len(raw) {
			return 0
		}
		return binary.LittleEndian.Uint64(raw[off:])
	}
	half := func(off int) int32 { return int32(word(off)) }
	code := func(off int) uintptr { return uintptr(word(off)) }
	return API{
		Version:   int32(binary.LittleEndian.Uint32(raw[offVersion:])),
		Revision:  int32(binary.LittleEndian.Uint32(raw[offRevision:])),
		StateSize: word(offStateSize),
		Init:      code(offInit), Tick: code(offTick), Shutdown: code(offShutdown),
		Seed: code(offSeed), TickBatch: code(offTickBatch),
		BeforeReload: code(offBeforeReload), AfterReload: code(offAfterReload),
		Migrate: code(offMigrate), StateRevision: half(offStateRevision),
	}
}

// readFields reads the table of fields; what its entries mean is for the state package to judge.
func readFields(m Memory, addr uintptr, count uint64) ([]Field, error) {
	if addr == 0 || count == 0 {
		return nil, nil
	}
	if count > maxFields {
		return nil, &Mismatch{Field: "field_count", Expected: fmt.Sprintf("at most %d", maxFields), Actual: fmt.Sprint(count)}
	}
	raw, err := m.Bytes(addr, int(count)*fieldSize)
	if err != nil {
		return nil, &Mismatch{
			Field: "fields", Expected: fmt.Sprintf("%d entries inside the library", count), Actual: fmt.Sprintf("a table at %#x", addr),
		}
	}
	fields := make([]Field, count)
	for i := range fields {
		entry := raw[i*fieldSize:][:fieldSize]
		half := func(off int) uint32 { return binary.LittleEndian.Uint32(entry[off:]) }
		name, err := readName(m, uintptr(binary.LittleEndian.Uint64(entry)))
		if err != nil {
			return nil, &Mismatch{
				Field: fmt.Sprintf("fields[%d].name", i), Expected: fmt.Sprintf("1 to %d bytes of UTF-8 and a NUL inside the library", maxNameSize),
				Actual: err.Error(),
			}
		}
		fields[i] = Field{Name: name, Type: half(8), Offset: half(12), Count: half(16), Flags: half(20), Reserved: binary.LittleEndian.Uint64(entry[24:])}
	}
	return fields, nil
}

// readName reads a C string of bounded length, byte by byte where the library ends soon after it.
func readName(m Memory, addr uintptr) (string, error) {
	if addr == 0 {
		return "", fmt.Errorf("NULL")
	}
	var name []byte
	for len(name) <= maxNameSize {
		b, err := m.Bytes(addr+uintptr(len(name)), 1)
		if err != nil {
			return "", fmt.Errorf("a string at %#x that leaves the library", addr)
		}
		if b[0] == 0 {
			break
		}
		name = append(name, b[0])
	}
	switch {
	case len(name) == 0:
		return "", fmt.Errorf("an empty string")
	case len(name) > maxNameSize:
		return "", fmt.Errorf("a string without an end")
	case !utf8.Valid(name) || bytes.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return "", fmt.Errorf("%q", name)
	}
	return string(name), nil
}
