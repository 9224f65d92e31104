package artifact

import (
	"debug/elf"
	"encoding/binary"
	"io"
)

// maxTable bounds a single table that is read into memory, in bytes: more than any library that can be called a plugin
// has, and little enough for a host.
const maxTable = 256 << 20

// image is a library under inspection. Its parts are read in the order of the checks; each part relies on those before
// it having been found sound.
type image struct {
	file string
	r    io.ReaderAt
	size uint64
	machine

	header   elf.Header64
	segments []elf.Prog64
	loads    []elf.Prog64 // the PT_LOADs among the segments, ascending and disjoint
	sections []section

	dynamic map[elf.DynTag]uint64 // the last value of each tag, as the loader has it
	needed  []uint64              // string offsets, one per DT_NEEDED
	strings []byte                // ends in a NUL byte
	symbols []byte                // symbolSize bytes each
	defined map[uint16]bool       // version indexes that symbols may have; nil without versions

	referenced map[uint32]bool // symbols that relocations refer to
}

var little = binary.LittleEndian

// refuse returns a Refusal of this file as an error.
func (im *image) refuse(check Check, expected, actual string) error {
	return refuse(im.file, check, expected, actual)
}

// at reads n bytes at offset of the file; the caller has checked that they lie inside it.
func (im *image) at(offset, n uint64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := im.r.ReadAt(b, int64(offset)); err != nil {
		return nil, unreadable(im.file, err)
	}
	return b, nil
}

// inFile reports whether n bytes at offset lie inside the file.
func (im *image) inFile(offset, n uint64) bool { return holds(0, im.size, offset, n) }

// holds reports whether the n bytes at start lie inside the size bytes at base, without being fooled by overflow.
func holds(base, size, start, n uint64) bool {
	return start >= base && start-base <= size && n <= size-(start-base)
}

// read returns the n bytes at a virtual address; ok is false unless one readable PT_LOAD
// provides all of them from the file.
func (im *image) read(address, n uint64) (b []byte, ok bool, err error) {
	if n > maxTable {
		return nil, false, nil
	}
	for _, load := range im.loads {
		if elf.ProgFlag(load.Flags)&elf.PF_R != 0 && holds(load.Vaddr, load.Filesz, address, n) {
			b, err = im.at(load.Off+(address-load.Vaddr), n)
			return b, err == nil, err
		}
	}
	return nil, false, nil
}

// mapped reports whether the n bytes at a virtual address lie inside one PT_LOAD which has the given flags.
func (im *image) mapped(address, n uint64, flags elf.ProgFlag) bool {
	for _, load := range im.loads {
		if elf.ProgFlag(load.Flags)&flags == flags && holds(load.Vaddr, load.Memsz, address, n) {
			return true
		}
	}
	return false
}

// provided reports whether one PT_LOAD provides the n bytes at a virtual address from the file.
func (im *image) provided(address, n uint64) bool {
	for _, load := range im.loads {
		if holds(load.Vaddr, load.Filesz, address, n) {
			return true
		}
	}
	return false
}

// code reports whether the address lies in executable bytes that come from the file.
func (im *image) code(address uint64) bool {
	for _, load := range im.loads {
		if elf.ProgFlag(load.Flags)&elf.PF_X != 0 && holds(load.Vaddr, load.Filesz, address, 1) {
			return true
		}
	}
	return false
}

// span returns the number of bytes from the first to the last loaded address.
func (im *image) span() uint64 {
	first, last := im.loads[0], im.loads[len(im.loads)-1]
	return last.Vaddr + last.Memsz - first.Vaddr
}
