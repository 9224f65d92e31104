package artifact

import (
	"debug/elf"
	"fmt"
	"slices"
)

// readVersions checks the symbol versions. The loader follows the records by their distances, indexes an array by the
// numbers they state, and asserts that every file with a version is also needed.
func (im *image) readVersions() error {
	im.defined = map[uint16]bool{0: true, 1: true} // local and global: symbols without a version
	_, needs := im.dynamic[elf.DT_VERNEED]
	_, defines := im.dynamic[elf.DT_VERDEF]
	for records, number := range map[elf.DynTag]elf.DynTag{elf.DT_VERNEED: elf.DT_VERNEEDNUM, elf.DT_VERDEF: elf.DT_VERDEFNUM} {
		if _, ok := im.dynamic[records]; ok && im.dynamic[number] == 0 {
			return im.refuse(CheckVersions, fmt.Sprintf("%v beside %v", number, records), "none")
		}
	}
	if needs {
		if err := im.walkNeeds(); err != nil {
			return err
		}
	}
	if defines {
		if err := im.walkDefinitions(); err != nil {
			return err
		}
	}
	address, versioned := im.dynamic[elf.DT_VERSYM]
	switch records := needs || defines; {
	case !versioned && !records:
		return nil
	case !versioned:
		return im.refuse(CheckVersions, "the versions of symbols (DT_VERSYM) beside version records", "none")
	case !records:
		return im.refuse(CheckVersions, "version records beside the versions of symbols", "none")
	}
	b, ok, err := im.read(address, uint64(im.symbolTotal())*2)
	if err != nil {
		return err
	} else if !ok {
		return im.refuse(CheckVersions, "the versions of symbols inside the library", fmt.Sprintf("address %#x", address))
	}
	for i := 0; len(b) > 0; i, b = i+1, b[2:] {
		const hidden = 0x8000
		if version := little.Uint16(b) &^ hidden; !im.defined[version] {
			return im.refuse(CheckVersions, fmt.Sprintf("a known version of symbol %d", i), fmt.Sprintf("version %d", version))
		}
	}
	return nil
}

// record reads a version record of n bytes.
func (im *image) record(address, n uint64) ([]byte, error) {
	b, ok, err := im.read(address, n)
	if err == nil && !ok {
		err = im.refuse(CheckVersions, "version records inside the library", fmt.Sprintf("one at %#x", address))
	}
	return b, err
}

// maxRecords bounds each chain of version records: their numbers have 15 bits.
const maxRecords = 1 << 15

// walkNeeds follows DT_VERNEED: one record for each file, and a chain of the versions needed of it.
func (im *image) walkNeeds() error {
	var needed []string
	for _, offset := range im.needed {
		needed = append(needed, stringAt(im.strings, offset))
	}
	address, total := im.dynamic[elf.DT_VERNEED], 0
	for {
		need, err := im.record(address, 16)
		if err != nil {
			return err
		}
		if version := little.Uint16(need); version != 1 {
			return im.refuse(CheckVersions, "records of version 1", fmt.Sprint(version))
		}
		file := stringAt(im.strings, uint64(little.Uint32(need[4:])))
		if !slices.Contains(needed, file) {
			return im.refuse(CheckVersions, "versions of needed libraries only", fmt.Sprintf("one of %q", file))
		}
		for at := address + uint64(little.Uint32(need[8:])); ; {
			entry, err := im.record(at, 16)
			if err != nil {
				return err
			}
			if err := im.defineVersion(entry[6:], entry[8:], &total); err != nil {
				return err
			}
			step := uint64(little.Uint32(entry[12:]))
			if step == 0 {
				break
			}
			at += step
		}
		step := uint64(little.Uint32(need[12:]))
		if step == 0 {
			return nil
		}
		address += step
	}
}

// walkDefinitions follows DT_VERDEF: one record for each version, with its name first in a chain of names.
func (im *image) walkDefinitions() error {
	address, total := im.dynamic[elf.DT_VERDEF], 0
	for {
		definition, err := im.record(address, 20)
		if err != nil {
			return err
		}
		if version := little.Uint16(definition); version != 1 {
			return im.refuse(CheckVersions, "records of version 1", fmt.Sprint(version))
		}
		name, err := im.record(address+uint64(little.Uint32(definition[12:])), 8)
		if err != nil {
			return err
		}
		if err := im.defineVersion(definition[4:], name, &total); err != nil {
			return err
		}
		step := uint64(little.Uint32(definition[16:]))
		if step == 0 {
			return nil
		}
		address += step
	}
}

// defineVersion notes the version number at the beginning of index, whose name is the string at the offset in name.
func (im *image) defineVersion(index, name []byte, total *int) error {
	if offset := little.Uint32(name); uint64(offset) >= uint64(len(im.strings)) {
		return im.refuse(CheckVersions, "version names inside the string table", fmt.Sprintf("offset %d", offset))
	}
	if *total++; *total > maxRecords {
		return im.refuse(CheckVersions, fmt.Sprintf("at most %d version records", maxRecords), "more")
	}
	const hidden = 0x8000
	im.defined[little.Uint16(index)&^hidden] = true
	return nil
}
