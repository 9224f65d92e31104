package artifact

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

const sectionSize = 64

// section is a named section. The loader needs none of them: they serve to tell a file that was cut short, and debug
// information.
type section struct {
	name string
	elf.Section64
}

// readSections checks that the section table and all sections are in the file. Linkers write the table last, so this is
// what notices a file that lacks only its tail, or whose tail is still zero because its writer reserved the space before
// it wrote. A file may have no table at all.
func (im *image) readSections() error {
	h := &im.header
	if h.Shoff == 0 {
		if h.Shnum != 0 {
			return im.refuse(CheckComplete, fmt.Sprintf("a table of %d sections", h.Shnum), "none")
		}
		return nil
	}
	if h.Shentsize != sectionSize {
		return im.refuse(CheckSegments, fmt.Sprintf("section headers of %d bytes", sectionSize), fmt.Sprintf("%d bytes", h.Shentsize))
	}
	if !im.inFile(h.Shoff, sectionSize) {
		return im.pastEnd("the section table", h.Shoff, sectionSize)
	}
	first, err := im.sectionHeaders(1)
	if err != nil {
		return err
	}
	count, names := uint64(h.Shnum), uint64(h.Shstrndx)
	if count == 0 { // too many for the header's field
		count = first[0].Size
	}
	if names == uint64(elf.SHN_XINDEX) {
		names = uint64(first[0].Link)
	}
	if count == 0 || count > maxTable/sectionSize || !im.inFile(h.Shoff, count*sectionSize) {
		return im.pastEnd("the section table", h.Shoff, count*sectionSize)
	}
	headers, err := im.sectionHeaders(count)
	if err != nil {
		return err
	}
	for i, s := range headers {
		kind := elf.SectionType(s.Type)
		if i == 0 || kind == elf.SHT_NOBITS {
			continue
		}
		if kind == elf.SHT_NULL && i == len(headers)-1 {
			return im.refuse(CheckComplete, fmt.Sprintf("a table of %d sections", count), "zeros at its end")
		}
		if s.Size > 0 && kind != elf.SHT_NULL && !im.inFile(s.Off, s.Size) {
			return im.pastEnd(fmt.Sprintf("section %d", i), s.Off, s.Size)
		}
	}
	return im.nameSections(headers, names)
}

func (im *image) sectionHeaders(count uint64) ([]elf.Section64, error) {
	b, err := im.at(im.header.Shoff, count*sectionSize)
	if err != nil {
		return nil, err
	}
	headers := make([]elf.Section64, count)
	if _, err := binary.Decode(b, little, headers); err != nil {
		return nil, unreadable(im.file, err)
	}
	return headers, nil
}

func (im *image) nameSections(headers []elf.Section64, names uint64) error {
	if names == 0 { // sections without names: nothing else depends on them
		return nil
	}
	if names >= uint64(len(headers)) || elf.SectionType(headers[names].Type) != elf.SHT_STRTAB ||
		headers[names].Size == 0 || headers[names].Size > maxTable {
		return im.refuse(CheckComplete, fmt.Sprintf("the names of the sections in section %d", names), "none")
	}
	table, err := im.at(headers[names].Off, headers[names].Size)
	if err != nil {
		return err
	}
	im.sections = make([]section, len(headers))
	for i, h := range headers {
		im.sections[i] = section{stringAt(table, uint64(h.Name)), h}
	}
	return nil
}

// hasSection reports whether there is a section of that name with contents.
func (im *image) hasSection(name string) bool {
	for _, s := range im.sections {
		if s.name == name && s.Size > 0 {
			return true
		}
	}
	return false
}

// stringAt returns the string at offset of a string table, up to the NUL byte; empty if it is not in the table.
func stringAt(table []byte, offset uint64) string {
	if offset >= uint64(len(table)) {
		return ""
	}
	s := table[offset:]
	if end := bytes.IndexByte(s, 0); end >= 0 {
		s = s[:end]
	}
	return string(s)
}
