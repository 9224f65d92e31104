package trial

import (
	"debug/dwarf"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// in says where a fault happened, for the end of a sentence: " in tick+0x1c (logic.c:12)", " in libc.so.6+0x9f2c0", or
// nothing when nothing is known.
func (s *site) in(candidate *Candidate) string {
	switch {
	case s == nil:
		return ""
	case !s.inside && s.module == "":
		return fmt.Sprintf(" at %#x, where there is no code", s.offset)
	case !s.inside:
		return fmt.Sprintf(" in %s+%#x", s.module, s.offset)
	}
	function, line := locate(candidate.Path, s.offset)
	if function == "" {
		function = fmt.Sprintf("%s+%#x", candidate.Name, s.offset)
	}
	if line != "" {
		return fmt.Sprintf(" in %s (%s)", function, line)
	}
	return " in " + function
}

// locate returns the function, with the distance from its start, and the source line of an address relative to the load
// base; "" for what the file does not tell. Inspection does not vouch for symbols and debug information, and debug/elf
// and debug/dwarf do not promise an error for everything, hence the recover: what they found before counts.
func locate(path string, addr uint64) (function, line string) {
	defer func() { _ = recover() }()
	f, err := elf.Open(path)
	if err != nil {
		return "", ""
	}
	defer func() { _ = f.Close() }()
	function = functionAt(f, addr)
	line = lineAt(f, addr)
	return function, line
}

// maxDebug bounds a section of debug information in bytes, unfolded; it is read as a whole.
const maxDebug = 1 << 28

// functionAt looks for the symbol that covers addr.
func functionAt(f *elf.File, addr uint64) string {
	symbols, err := f.Symbols() // local functions too, unless the library is stripped
	if err != nil {
		if symbols, err = f.DynamicSymbols(); err != nil {
			return ""
		}
	}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Value <= addr && addr-s.Value < max(s.Size, 1) {
			return fmt.Sprintf("%s+%#x", s.Name, addr-s.Value)
		}
	}
	return ""
}

// lineAt looks addr up in the line table.
func lineAt(f *elf.File, addr uint64) string {
	for _, s := range f.Sections {
		if strings.HasPrefix(s.Name, ".debug_") && s.Size > maxDebug {
			return ""
		}
	}
	data, err := f.DWARF()
	if err != nil {
		return ""
	}
	unit, err := data.Reader().SeekPC(addr)
	if err != nil {
		return ""
	}
	lines, err := data.LineReader(unit)
	if err != nil || lines == nil {
		return ""
	}
	var entry dwarf.LineEntry
	if err := lines.SeekPC(addr, &entry); err != nil && !errors.Is(err, io.EOF) || entry.File == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", filepath.Base(entry.File.Name), entry.Line)
}
