package artifact

import (
	"debug/elf"
	"fmt"
)

const symbolSize = 24

// bindUnique is STB_GNU_UNIQUE: one definition for the whole process.
const bindUnique elf.SymBind = 10

// exported reports whether other libraries and dlsym can find the symbol.
func exported(s elf.Sym64) bool {
	bind := elf.ST_BIND(s.Info)
	visible := elf.ST_VISIBILITY(s.Other)
	return elf.SectionIndex(s.Shndx) != elf.SHN_UNDEF && (visible == elf.STV_DEFAULT || visible == elf.STV_PROTECTED) &&
		(bind == elf.STB_GLOBAL || bind == elf.STB_WEAK || bind == bindUnique)
}

// readSymbols reads the string table and the dynamic symbols, and checks that names and addresses lie where they must.
func (im *image) readSymbols() error {
	address, ok := im.dynamic[elf.DT_STRTAB]
	size, sized := im.dynamic[elf.DT_STRSZ]
	if !ok || !sized || size == 0 {
		return im.refuse(CheckDynamic, "a string table (DT_STRTAB, DT_STRSZ)", "none")
	}
	var err error
	if im.strings, ok, err = im.read(address, size); err != nil {
		return err
	} else if !ok {
		return im.refuse(CheckSymbols, "the string table inside the library", fmt.Sprintf("%d bytes at %#x", size, address))
	}
	if im.strings[size-1] != 0 {
		return im.refuse(CheckSymbols, "a string table that ends in a NUL byte", fmt.Sprintf("%#x", im.strings[size-1]))
	}
	for _, offset := range im.stringOffsets() {
		if offset >= size {
			return im.refuse(CheckDynamic, fmt.Sprintf("names inside the string table of %d bytes", size), fmt.Sprintf("offset %d", offset))
		}
	}
	count, err := im.symbolCount()
	if err != nil {
		return err
	}
	address, ok = im.dynamic[elf.DT_SYMTAB]
	if !ok {
		return im.refuse(CheckDynamic, "a symbol table (DT_SYMTAB)", "none")
	}
	if im.symbols, ok, err = im.read(address, count*symbolSize); err != nil {
		return err
	} else if !ok {
		return im.refuse(CheckSymbols, fmt.Sprintf("%d symbols inside the library", count), fmt.Sprintf("table at %#x", address))
	}
	if err := im.checkSymbols(); err != nil {
		return err
	}
	return im.checkLookup()
}

// stringOffsets returns the dynamic section's offsets into the string table.
func (im *image) stringOffsets() []uint64 {
	offsets := im.needed
	for _, tag := range []elf.DynTag{elf.DT_SONAME, elf.DT_RPATH, elf.DT_RUNPATH, elf.DT_AUXILIARY, elf.DT_FILTER, elf.DT_AUDIT, elf.DT_DEPAUDIT, elf.DT_CONFIG} {
		if offset, ok := im.dynamic[tag]; ok {
			offsets = append(offsets[:len(offsets):len(offsets)], offset)
		}
	}
	return offsets
}

func (im *image) checkSymbols() error {
	for i := range im.symbolTotal() {
		s := im.symbol(i)
		if uint64(s.Name) >= uint64(len(im.strings)) {
			return im.refuse(CheckSymbols, fmt.Sprintf("the name of symbol %d inside the string table", i), fmt.Sprintf("offset %d", s.Name))
		}
		switch where := elf.SectionIndex(s.Shndx); {
		case where == elf.SHN_UNDEF && i > 0 && (elf.ST_BIND(s.Info) == elf.STB_LOCAL || elf.ST_VISIBILITY(s.Other) != elf.STV_DEFAULT):
			// The loader would take it for a symbol of the library's own, at address 0.
			return im.refuse(CheckSymbols, fmt.Sprintf("undefined symbol %q to be visible", im.name(i)),
				fmt.Sprintf("%v, %v", elf.ST_BIND(s.Info), elf.ST_VISIBILITY(s.Other)))
		case where == elf.SHN_UNDEF || where >= elf.SHN_LORESERVE:
			continue
		}
		switch kind := elf.ST_TYPE(s.Info); kind {
		case elf.STT_GNU_IFUNC:
			if !im.code(s.Value) { // the loader calls it
				return im.badSymbol(i, s)
			}
		case elf.STT_FUNC, elf.STT_OBJECT:
			if !im.mapped(s.Value, s.Size, 0) {
				return im.badSymbol(i, s)
			}
		}
	}
	return nil
}

func (im *image) badSymbol(i uint32, s elf.Sym64) error {
	return im.refuse(CheckSymbols, fmt.Sprintf("symbol %q inside the library", im.name(i)),
		fmt.Sprintf("%d bytes at %#x", s.Size, s.Value))
}

// symbolTotal returns the number of dynamic symbols.
func (im *image) symbolTotal() uint32 { return uint32(len(im.symbols) / symbolSize) }

// symbol returns the symbol with index i, which must be less than symbolTotal.
func (im *image) symbol(i uint32) elf.Sym64 {
	b := im.symbols[uint64(i)*symbolSize:][:symbolSize]
	return elf.Sym64{
		Name: little.Uint32(b), Info: b[4], Other: b[5], Shndx: little.Uint16(b[6:]),
		Value: little.Uint64(b[8:]), Size: little.Uint64(b[16:]),
	}
}

// name returns the name of the symbol with index i.
func (im *image) name(i uint32) string { return stringAt(im.strings, uint64(im.symbol(i).Name)) }
