package artifact

import (
	"bytes"
	"debug/elf"
	"fmt"
	"strings"
)

// EntryName is the function that every plugin exports.
const EntryName = "logic_get_api"

// findEntry checks that the library itself defines the entry as a function, in code that is in the file.
func (im *image) findEntry() (Symbol, error) {
	mangled := ""
	for i := range im.symbolTotal() {
		name := im.name(i)
		if name != EntryName {
			if strings.HasPrefix(name, "_Z") && strings.Contains(name, EntryName) {
				mangled = name
			}
			continue
		}
		s := im.symbol(i)
		switch kind := elf.ST_TYPE(s.Info); {
		case elf.SectionIndex(s.Shndx) == elf.SHN_UNDEF:
			return Symbol{}, im.refuse(CheckEntry, EntryName+" defined in this library", "only a reference to it")
		case !exported(s):
			return Symbol{}, im.refuse(CheckEntry, EntryName+" exported", "it is hidden")
		case kind != elf.STT_FUNC && kind != elf.STT_NOTYPE:
			return Symbol{}, im.refuse(CheckEntry, EntryName+" as a function", kind.String())
		}
		return im.checkEntryCode(s)
	}
	actual := "no such symbol"
	if mangled != "" {
		actual = fmt.Sprintf(`%s: it is declared without extern "C"`, mangled)
	}
	return Symbol{}, im.refuse(CheckEntry, "a function "+EntryName, actual)
}

func (im *image) checkEntryCode(s elf.Sym64) (Symbol, error) {
	if !im.code(s.Value) {
		return Symbol{}, im.refuse(CheckEntry, EntryName+" in executable code", fmt.Sprintf("address %#x", s.Value))
	}
	const least = 4 // no function that returns a pointer is shorter
	code, ok, err := im.read(s.Value, max(min(s.Size, 16), least))
	if err != nil {
		return Symbol{}, err
	}
	if !ok || bytes.Count(code, []byte{0}) == len(code) {
		return Symbol{}, im.refuse(CheckEntry, EntryName+" with code", "zeros, as where a file is not written yet")
	}
	return Symbol{Value: s.Value, Size: s.Size}, nil
}
