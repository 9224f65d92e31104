package artifact

import (
	"debug/elf"
	"runtime"
)

// machine is what the checks need to know about a processor's ELF dialect.
type machine struct {
	name string
	id   elf.Machine
	page uint64 // the smallest page size the loader aligns to

	none, absolute, relative, indirect, copied uint32 // relocation types
	// width returns the number of bytes a relocation type writes.
	width func(kind uint32) uint64
}

var machines = map[string]machine{
	"amd64": {
		name: "x86-64", id: elf.EM_X86_64, page: 4096,
		none: uint32(elf.R_X86_64_NONE), absolute: uint32(elf.R_X86_64_64),
		relative: uint32(elf.R_X86_64_RELATIVE), indirect: uint32(elf.R_X86_64_IRELATIVE), copied: uint32(elf.R_X86_64_COPY),
		width: func(kind uint32) uint64 {
			switch elf.R_X86_64(kind) {
			case elf.R_X86_64_PC32, elf.R_X86_64_32, elf.R_X86_64_32S, elf.R_X86_64_TPOFF32, elf.R_X86_64_DTPOFF32,
				elf.R_X86_64_SIZE32, elf.R_X86_64_PLT32, elf.R_X86_64_GOT32:
				return 4
			case elf.R_X86_64_16, elf.R_X86_64_PC16:
				return 2
			case elf.R_X86_64_8, elf.R_X86_64_PC8:
				return 1
			case elf.R_X86_64_TLSDESC:
				return 16
			default:
				return 8
			}
		},
	},
	"arm64": {
		name: "aarch64", id: elf.EM_AARCH64, page: 4096,
		none: uint32(elf.R_AARCH64_NONE), absolute: uint32(elf.R_AARCH64_ABS64),
		relative: uint32(elf.R_AARCH64_RELATIVE), indirect: uint32(elf.R_AARCH64_IRELATIVE), copied: uint32(elf.R_AARCH64_COPY),
		width: func(kind uint32) uint64 {
			switch elf.R_AARCH64(kind) {
			case elf.R_AARCH64_ABS32, elf.R_AARCH64_PREL32:
				return 4
			case elf.R_AARCH64_ABS16, elf.R_AARCH64_PREL16:
				return 2
			case elf.R_AARCH64_TLSDESC:
				return 16
			default:
				return 8
			}
		},
	},
}

// hostMachine returns the machine this program runs on; ok is false where the package does not know it.
func hostMachine() (m machine, ok bool) {
	m, ok = machines[runtime.GOARCH]
	return m, ok
}
