package artifact

import (
	"debug/elf"
	"fmt"
)

const relocationSize = 24

// readRelocations checks every relocation: the loader writes where they say, looks up the symbol whose index they hold,
// and calls the resolvers they name. Then it calls what they have put into the arrays of constructors.
func (im *image) readRelocations() error {
	im.referenced = map[uint32]bool{}
	arrays := im.functionArrays()
	if err := im.readRelative(arrays); err != nil {
		return err
	}
	for _, table := range []struct{ start, size elf.DynTag }{{dtWithAddend, elf.DT_RELASZ}, {elf.DT_JMPREL, elf.DT_PLTRELSZ}} {
		address, ok := im.dynamic[table.start]
		size, sized := im.dynamic[table.size]
		if !ok && size == 0 || sized && size == 0 {
			continue
		}
		b, inside, err := im.read(address, size)
		if err != nil {
			return err
		}
		if !ok || !sized || !inside || size%relocationSize != 0 {
			return im.refuse(CheckRelocations, fmt.Sprintf("%v inside the library", table.start), fmt.Sprintf("%d bytes at %#x", size, address))
		}
		var relative uint64 // the loader asserts that so many at the beginning are relative
		if table.start == dtWithAddend {
			relative = im.dynamic[elf.DT_RELACOUNT]
		}
		if relative > size/relocationSize {
			return im.refuse(CheckRelocations, fmt.Sprintf("at most %d relative ones", size/relocationSize), fmt.Sprint(relative))
		}
		for i := uint64(0); len(b) > 0; i, b = i+1, b[relocationSize:] {
			if kind := little.Uint32(b[8:]); i < relative && kind != im.relative {
				return im.refuse(CheckRelocations, fmt.Sprintf("%d relative ones first", relative), fmt.Sprintf("type %d", kind))
			}
			if err := im.checkRelocation(b, arrays); err != nil {
				return err
			}
		}
	}
	return arrays.check(im)
}

func (im *image) checkRelocation(b []byte, arrays functionArrays) error {
	offset, info, addend := little.Uint64(b), little.Uint64(b[8:]), little.Uint64(b[16:])
	kind, index := uint32(info), uint32(info>>32)
	if kind == im.none {
		return nil
	}
	if index >= max(im.symbolTotal(), 1) {
		return im.refuse(CheckRelocations, fmt.Sprintf("a symbol below %d", im.symbolTotal()), fmt.Sprintf("symbol %d at %#x", index, offset))
	}
	if index != 0 {
		im.referenced[index] = true
	}
	if !im.writable(offset, im.width(kind)) {
		return im.refuse(CheckRelocations, "targets in writable memory of the library", fmt.Sprintf("type %d at %#x", kind, offset))
	}
	switch kind {
	case im.copied:
		return im.refuse(CheckRelocations, "none that copies data, which is for executables", fmt.Sprintf("one at %#x", offset))
	case im.indirect:
		if !im.code(addend) {
			return im.refuse(CheckRelocations, "a resolver in executable code", fmt.Sprintf("address %#x", addend))
		}
	case im.relative:
		arrays.set(offset, im.code(addend))
	case im.absolute:
		s := elf.Sym64{}
		if index != 0 {
			s = im.symbol(index)
		}
		imported := elf.SectionIndex(s.Shndx) == elf.SHN_UNDEF && elf.ST_BIND(s.Info) == elf.STB_GLOBAL
		arrays.set(offset, index != 0 && (imported || im.code(s.Value+addend)))
	default:
		arrays.set(offset, false)
	}
	return nil
}

// writable reports whether the loader can write n bytes at address: into writable memory, or anywhere in a library which
// asks for text relocations, but not over the dynamic section that it is reading.
func (im *image) writable(address, n uint64) bool {
	if s, ok := im.segment(elf.PT_DYNAMIC); ok && address < s.Vaddr+s.Memsz && s.Vaddr < address+n {
		return false
	}
	if im.textRelocations() {
		return im.mapped(address, n, 0)
	}
	return im.mapped(address, n, elf.PF_W)
}

func (im *image) textRelocations() bool {
	_, old := im.dynamic[elf.DT_TEXTREL]
	return old || elf.DynFlag(im.dynamic[elf.DT_FLAGS])&elf.DF_TEXTREL != 0
}

// readRelative checks the packed relative relocations (DT_RELR): an even word is an address to relocate, an odd one a
// bitmap of the 63 words that follow the last.
func (im *image) readRelative(arrays functionArrays) error {
	address, ok := im.dynamic[dtRELR]
	size := im.dynamic[dtRELRSZ]
	if !ok || size == 0 {
		return nil
	}
	b, inside, err := im.read(address, size)
	if err != nil {
		return err
	}
	if !inside || size%8 != 0 {
		return im.refuse(CheckRelocations, "DT_RELR inside the library", fmt.Sprintf("%d bytes at %#x", size, address))
	}
	var next uint64 // 0 until there was an address
	for ; len(b) > 0; b = b[8:] {
		entry := little.Uint64(b)
		if entry&1 == 0 {
			if err := im.checkPacked(entry, arrays); err != nil {
				return err
			}
			next = entry + 8
			continue
		}
		if next == 0 {
			return im.refuse(CheckRelocations, "an address before the first bitmap", "a bitmap")
		}
		for i := range uint64(63) {
			if entry>>(i+1)&1 != 0 {
				if err := im.checkPacked(next+8*i, arrays); err != nil {
					return err
				}
			}
		}
		next += 8 * 63
	}
	return nil
}

func (im *image) checkPacked(address uint64, arrays functionArrays) error {
	if !im.writable(address, 8) {
		return im.refuse(CheckRelocations, "targets in writable memory of the library", fmt.Sprintf("a packed one at %#x", address))
	}
	if arrays.covers(address) {
		word, ok, err := im.read(address, 8)
		if err != nil {
			return err
		}
		arrays.set(address, ok && im.code(little.Uint64(word)))
	}
	return nil
}

// functionArrays are the slots of DT_INIT_ARRAY and DT_FINI_ARRAY, by address, and whether a relocation has put the
// address of code there. Without one the loader would call whatever the file holds.
type functionArrays map[uint64]bool

func (im *image) functionArrays() functionArrays {
	arrays := functionArrays{}
	for _, array := range arrayTags {
		for offset := uint64(0); offset < im.dynamic[array.size]; offset += 8 {
			arrays[im.dynamic[array.start]+offset] = false
		}
	}
	return arrays
}

func (a functionArrays) covers(address uint64) bool {
	_, ok := a[address]
	return ok
}

func (a functionArrays) set(address uint64, code bool) {
	if a.covers(address) {
		a[address] = code
	}
}

func (a functionArrays) check(im *image) error {
	for address, ok := range a {
		if !ok {
			return im.refuse(CheckRelocations, "code behind every constructor and destructor", fmt.Sprintf("none behind the one at %#x", address))
		}
	}
	return nil
}
