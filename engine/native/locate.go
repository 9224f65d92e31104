package native

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"path/filepath"
)

// Locate names the place of an instruction of the library as "function+0x1a", with " (file.c:12)" behind it when there
// is debug information; an address elsewhere as "libc.so.6+0x8aeec, outside the library", or as a number where nothing
// is mapped. It reads the library's file.
func (l *Library) Locate(pc uintptr) string {
	outside := fmt.Sprintf("%#x", pc)
	if !l.image.Text(pc) {
		if path, offset := mappingOf(pc); path != "" {
			outside = fmt.Sprintf("%s+%#x", filepath.Base(path), offset)
		}
		return outside + ", outside the library"
	}
	f, err := elf.Open(l.path)
	if err != nil {
		return outside
	}
	defer func() { _ = f.Close() }()
	at := uint64(pc - l.image.Base)
	where := nearest(f, at)
	if where == "" {
		where = fmt.Sprintf("%s+%#x", filepath.Base(l.path), at)
	}
	if line := lineOf(f, at); line != "" {
		where += " (" + line + ")"
	}
	return where
}

// nearest returns the function that holds the address at, by the full symbol table or, when stripped, the dynamic one.
func nearest(f *elf.File, at uint64) string {
	symbols, err := f.Symbols()
	if err != nil {
		if symbols, err = f.DynamicSymbols(); err != nil {
			return ""
		}
	}
	var best elf.Symbol
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Value <= at && at < s.Value+max(s.Size, 1) && s.Value >= best.Value {
			best = s
		}
	}
	if best.Name == "" {
		return ""
	}
	return fmt.Sprintf("%s+%#x", best.Name, at-best.Value)
}

// lineOf returns "file:line" of the address, "" when the debug information does not tell or cannot be read.
func lineOf(f *elf.File, at uint64) (line string) {
	defer func() {
		if recover() != nil { // debug/dwarf may panic on damaged input; the name of the function has to do then
			line = ""
		}
	}()
	data, err := f.DWARF()
	if err != nil {
		return ""
	}
	unit, err := data.Reader().SeekPC(at)
	if err != nil {
		return ""
	}
	lines, err := data.LineReader(unit)
	if err != nil || lines == nil {
		return ""
	}
	var entry dwarf.LineEntry
	if err := lines.SeekPC(at, &entry); err != nil || entry.File == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", filepath.Base(entry.File.Name), entry.Line)
}
