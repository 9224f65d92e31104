package artifact

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

const (
	headerSize  = 64
	segmentSize = 56
)

// readHeader checks the file header: what the file is, and what it is for.
func (im *image) readHeader() error {
	magic := make([]byte, min(im.size, 4))
	if _, err := im.r.ReadAt(magic, 0); err != nil {
		return unreadable(im.file, err)
	}
	if !bytes.Equal(magic, []byte(elf.ELFMAG)) {
		return im.refuse(CheckFormat, `an ELF file, beginning with "\x7fELF"`, fmt.Sprintf("%q", magic))
	}
	if im.size < headerSize {
		return im.refuse(CheckComplete, fmt.Sprintf("an ELF header of %d bytes", headerSize), fmt.Sprintf("%d bytes", im.size))
	}
	b, err := im.at(0, headerSize)
	if err != nil {
		return err
	}
	if class := elf.Class(b[elf.EI_CLASS]); class != elf.ELFCLASS64 {
		return im.refuse(CheckFormat, "a 64-bit file (ELFCLASS64)", class.String())
	}
	if data := elf.Data(b[elf.EI_DATA]); data != elf.ELFDATA2LSB {
		return im.refuse(CheckFormat, "a little-endian file (ELFDATA2LSB)", data.String())
	}
	if _, err := binary.Decode(b, little, &im.header); err != nil {
		return unreadable(im.file, err)
	}
	return im.checkHeader()
}

func (im *image) checkHeader() error {
	h := &im.header
	if version := h.Ident[elf.EI_VERSION]; version != byte(elf.EV_CURRENT) || h.Version != uint32(elf.EV_CURRENT) {
		return im.refuse(CheckFormat, "ELF version 1", fmt.Sprintf("%d and %d", version, h.Version))
	}
	if abi := elf.OSABI(h.Ident[elf.EI_OSABI]); abi != elf.ELFOSABI_NONE && abi != elf.ELFOSABI_LINUX {
		return im.refuse(CheckFormat, "the System V or GNU/Linux ABI", abi.String())
	}
	m, ok := hostMachine()
	if !ok {
		return im.refuse(CheckMachine, "a machine whose libraries can be inspected", "this host's")
	}
	im.machine = m
	if got := elf.Machine(h.Machine); got != m.id {
		return im.refuse(CheckMachine, fmt.Sprintf("%s (%v)", m.name, m.id), got.String())
	}
	switch elf.Type(h.Type) {
	case elf.ET_DYN:
		return nil
	case elf.ET_REL:
		return im.refuse(CheckType, "a shared library (ET_DYN)", "an object file (ET_REL), which is not linked yet")
	case elf.ET_EXEC:
		return im.refuse(CheckType, "a shared library (ET_DYN)", "an executable (ET_EXEC)")
	default:
		return im.refuse(CheckType, "a shared library (ET_DYN)", elf.Type(h.Type).String())
	}
}
