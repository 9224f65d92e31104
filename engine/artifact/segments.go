package artifact

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// maxSpan bounds the addresses of a library: the part of the address space a process has.
const maxSpan = 1 << 47

// readSegments reads the program headers and checks that all they refer to is in the file, and that the loader can map
// them one after the other.
func (im *image) readSegments() error {
	h := &im.header
	if h.Phentsize != segmentSize || h.Phnum == 0 || h.Phnum == 0xffff {
		return im.refuse(CheckSegments, fmt.Sprintf("program headers of %d bytes", segmentSize),
			fmt.Sprintf("%d of %d bytes", h.Phnum, h.Phentsize))
	}
	n := uint64(h.Phnum) * segmentSize
	if !im.inFile(h.Phoff, n) {
		return im.pastEnd("the program headers", h.Phoff, n)
	}
	b, err := im.at(h.Phoff, n)
	if err != nil {
		return err
	}
	im.segments = make([]elf.Prog64, h.Phnum)
	if _, err := binary.Decode(b, little, im.segments); err != nil {
		return unreadable(im.file, err)
	}
	for _, s := range im.segments {
		if s.Filesz > 0 && elf.ProgType(s.Type) != elf.PT_NULL && !im.inFile(s.Off, s.Filesz) {
			return im.pastEnd(elf.ProgType(s.Type).String(), s.Off, s.Filesz)
		}
		if elf.ProgType(s.Type) == elf.PT_LOAD {
			if err := im.addLoad(s); err != nil {
				return err
			}
		}
	}
	if len(im.loads) == 0 {
		return im.refuse(CheckSegments, "at least one PT_LOAD", "none")
	}
	for _, s := range im.segments {
		if err := im.checkInsideLoad(s); err != nil {
			return err
		}
	}
	return nil
}

func (im *image) pastEnd(what string, offset, n uint64) error {
	return im.refuse(CheckComplete, fmt.Sprintf("%s of %d bytes at offset %d", what, n, offset),
		fmt.Sprintf("a file of %d bytes", im.size))
}

// addLoad checks a PT_LOAD as the loader does, and that it follows the ones before it.
func (im *image) addLoad(s elf.Prog64) error {
	switch {
	case s.Filesz > s.Memsz:
		return im.badSegment(s, "no more bytes in the file than in memory")
	case s.Align%im.page != 0 || s.Align&(s.Align-1) != 0 || s.Align == 0:
		return im.badSegment(s, "an alignment of whole pages")
	case (s.Vaddr-s.Off)&(s.Align-1) != 0:
		return im.badSegment(s, "address and offset congruent modulo the alignment")
	case s.Vaddr >= maxSpan || s.Memsz >= maxSpan:
		return im.badSegment(s, "addresses below 2^47")
	}
	if n := len(im.loads); n > 0 {
		last := im.loads[n-1]
		if s.Vaddr < last.Vaddr+last.Memsz || s.Filesz > 0 && s.Off < last.Off+last.Filesz {
			return im.badSegment(s, fmt.Sprintf("address and offset past those of the segment before it, which ends at %#x and %#x",
				last.Vaddr+last.Memsz, last.Off+last.Filesz))
		}
	}
	im.loads = append(im.loads, s)
	return nil
}

// checkInsideLoad checks that a segment which the loader or the unwinder reads through its address is mapped there.
func (im *image) checkInsideLoad(s elf.Prog64) error {
	size := s.Filesz
	switch elf.ProgType(s.Type) {
	case elf.PT_GNU_RELRO:
		return im.checkReadOnlyAfterRelocation(s)
	case elf.PT_TLS: // what the file does not hold is zero and takes no address
		if s.Filesz > s.Memsz || s.Memsz > maxTable || s.Align&(s.Align-1) != 0 {
			return im.badSegment(s, "a thread-local image that fits its block, and a power of two as alignment")
		}
	case elf.PT_DYNAMIC, elf.PT_GNU_EH_FRAME, elf.PT_NOTE, elf.PT_GNU_PROPERTY, elf.PT_INTERP:
		size = max(s.Filesz, s.Memsz)
	default:
		return nil
	}
	if size == 0 {
		return nil
	}
	for _, load := range im.loads {
		if holds(load.Vaddr, load.Filesz, s.Vaddr, size) && s.Off-load.Off == s.Vaddr-load.Vaddr {
			return nil
		}
	}
	return im.badSegment(s, "an address inside a PT_LOAD, at the offset that it maps there")
}

// checkReadOnlyAfterRelocation checks a PT_GNU_RELRO, whose pages the loader protects: it may fill the last page of its
// segment, as linkers have it do.
func (im *image) checkReadOnlyAfterRelocation(s elf.Prog64) error {
	if s.Memsz == 0 {
		return nil
	}
	for _, load := range im.loads {
		pages := (load.Vaddr+load.Memsz+load.Align-1)&^(load.Align-1) - load.Vaddr
		if holds(load.Vaddr, pages, s.Vaddr, s.Memsz) {
			return nil
		}
	}
	return im.badSegment(s, "an address inside a PT_LOAD")
}

func (im *image) badSegment(s elf.Prog64, expected string) error {
	return im.refuse(CheckSegments, fmt.Sprintf("%v with %s", elf.ProgType(s.Type), expected),
		fmt.Sprintf("offset %#x, address %#x, %d bytes in the file, %d in memory, alignment %#x", s.Off, s.Vaddr, s.Filesz, s.Memsz, s.Align))
}
