package artifact

import (
	"debug/elf"
	"fmt"
)

const dynamicSize = 16

// Tags that debug/elf does not name, for packed relative relocations, and one under a name that is no typing mistake.
const (
	dtWithAddend elf.DynTag = 7 // relocations with addends

	dtRELRSZ  elf.DynTag = 35
	dtRELR    elf.DynTag = 36
	dtRELRENT elf.DynTag = 37
)

// maxArray bounds the arrays of constructors and destructors, in bytes.
const maxArray = 1 << 20

// arrayTags are the arrays of functions which the loader calls.
var arrayTags = []struct{ start, size elf.DynTag }{
	{elf.DT_INIT_ARRAY, elf.DT_INIT_ARRAYSZ}, {elf.DT_FINI_ARRAY, elf.DT_FINI_ARRAYSZ},
}

// readDynamic reads the dynamic section and checks the entries which the loader follows without a check of its own: it
// runs on to DT_NULL wherever that may be, and asserts the sizes of table entries, which ends the process.
func (im *image) readDynamic() error {
	segment, ok := im.segment(elf.PT_DYNAMIC)
	if !ok {
		return im.refuse(CheckType, "a shared library with a dynamic section", "none, as in a static program")
	}
	if segment.Filesz > maxTable {
		return im.refuse(CheckDynamic, "a dynamic section of reasonable size", fmt.Sprintf("%d bytes", segment.Filesz))
	}
	b, err := im.at(segment.Off, segment.Filesz)
	if err != nil {
		return err
	}
	im.dynamic = map[elf.DynTag]uint64{}
	ended := false
	for ; len(b) >= dynamicSize; b = b[dynamicSize:] {
		tag, value := elf.DynTag(little.Uint64(b)), little.Uint64(b[8:])
		if ended = tag == elf.DT_NULL; ended {
			break
		}
		if tag == elf.DT_NEEDED {
			im.needed = append(im.needed, value)
		}
		im.dynamic[tag] = value
	}
	if !ended {
		return im.refuse(CheckDynamic, "a dynamic section that ends in DT_NULL", "no end")
	}
	if flags := elf.DynFlag1(im.dynamic[elf.DT_FLAGS_1]); flags&elf.DF_1_PIE != 0 {
		return im.refuse(CheckType, "a shared library", "a position-independent executable (DF_1_PIE)")
	} else if flags&elf.DF_1_NOOPEN != 0 {
		return im.refuse(CheckType, "a library that dlopen may open", "DF_1_NOOPEN (linked with -z nodlopen)")
	}
	return im.checkDynamicValues()
}

func (im *image) checkDynamicValues() error {
	for _, c := range []struct {
		table, tag elf.DynTag
		want       uint64
	}{
		{elf.DT_SYMTAB, elf.DT_SYMENT, symbolSize}, {dtWithAddend, elf.DT_RELAENT, relocationSize},
		{dtRELR, dtRELRENT, 8}, {elf.DT_JMPREL, elf.DT_PLTREL, uint64(dtWithAddend)},
	} {
		_, needed := im.dynamic[c.table]
		if got, ok := im.dynamic[c.tag]; needed && got != c.want || ok && got != c.want {
			return im.refuse(CheckDynamic, fmt.Sprintf("%v %d", c.tag, c.want), fmt.Sprint(got))
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_INIT, elf.DT_FINI} {
		if address, ok := im.dynamic[tag]; ok && address != 0 && !im.code(address) {
			return im.refuse(CheckDynamic, fmt.Sprintf("%v at executable code", tag), fmt.Sprintf("address %#x", address))
		}
	}
	for _, array := range arrayTags {
		address, ok := im.dynamic[array.start]
		n, sized := im.dynamic[array.size]
		if ok != sized || n%8 != 0 || n > maxArray || n > 0 && !im.provided(address, n) {
			return im.refuse(CheckDynamic, fmt.Sprintf("%v inside the library", array.start), fmt.Sprintf("%d bytes at %#x", n, address))
		}
	}
	if address, ok := im.dynamic[elf.DT_PLTGOT]; ok && !im.mapped(address, 0, 0) {
		return im.refuse(CheckDynamic, "DT_PLTGOT inside the library", fmt.Sprintf("address %#x", address))
	}
	return nil
}

// segment returns the last segment of a kind, which is the one the loader uses.
func (im *image) segment(kind elf.ProgType) (found elf.Prog64, ok bool) {
	for _, s := range im.segments {
		if elf.ProgType(s.Type) == kind {
			found, ok = s, true
		}
	}
	return found, ok
}
