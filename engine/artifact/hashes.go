package artifact

import (
	"debug/elf"
	"fmt"
)

// symbolCount returns the number of dynamic symbols. No field says it: it follows from the hash tables, which are checked
// on the way, because the loader follows their chains without bounds and asserts the size of the GNU table's filter.
func (im *image) symbolCount() (uint64, error) {
	gnu, hasGNU := im.dynamic[elf.DT_GNU_HASH]
	old, hasOld := im.dynamic[elf.DT_HASH]
	if !hasGNU && !hasOld {
		return 0, im.refuse(CheckDynamic, "a hash table (DT_GNU_HASH or DT_HASH)", "none")
	}
	var count uint64
	if hasGNU {
		n, err := im.gnuHash(gnu)
		if err != nil {
			return 0, err
		}
		count = n
	}
	if hasOld {
		n, err := im.sysvHash(old)
		if err != nil {
			return 0, err
		}
		if n < count {
			return 0, im.refuse(CheckSymbols, "hash tables that agree", fmt.Sprintf("%d and %d symbols", n, count))
		}
		count = n
	}
	return count, nil
}

// gnuHash checks a DT_GNU_HASH table and returns the number of symbols it covers: those up to the end of the last chain,
// or, with no chain, those before the first one that would be in it.
func (im *image) gnuHash(address uint64) (uint64, error) {
	bad := func(actual string) (uint64, error) {
		return 0, im.refuse(CheckSymbols, "a sound GNU hash table", actual)
	}
	header, ok, err := im.read(address, 16)
	if err != nil {
		return 0, err
	} else if !ok {
		return bad(fmt.Sprintf("address %#x", address))
	}
	buckets, first, filter := uint64(little.Uint32(header)), uint64(little.Uint32(header[4:])), uint64(little.Uint32(header[8:]))
	if filter == 0 || filter&(filter-1) != 0 || buckets == 0 {
		return bad(fmt.Sprintf("%d buckets, a filter of %d words", buckets, filter))
	}
	table, ok, err := im.read(address+16+filter*8, buckets*4)
	if err != nil {
		return 0, err
	} else if !ok || !im.mapped(address, 16+filter*8, 0) {
		return bad(fmt.Sprintf("%d buckets, a filter of %d words", buckets, filter))
	}
	var highest uint64
	for ; len(table) > 0; table = table[4:] {
		start := uint64(little.Uint32(table))
		if start != 0 && start < first {
			return bad(fmt.Sprintf("a chain at %d, before the first at %d", start, first))
		}
		highest = max(highest, start)
	}
	if highest == 0 {
		return first, nil
	}
	// All chains lie one after the other: those that begin before the highest end before it.
	chains := address + 16 + filter*8 + buckets*4
	end, err := im.chainEnd(chains+(highest-first)*4, highest)
	if err != nil || end == 0 {
		return bad(fmt.Sprintf("a chain at %d without end", highest))
	}
	if previous, ok, err := im.read(chains, (highest-first)*4); err != nil {
		return 0, err
	} else if !ok || highest > first && previous[len(previous)-4]&1 == 0 {
		return bad(fmt.Sprintf("a chain that runs into the one at %d", highest))
	}
	return end, nil
}

// chainEnd returns the index after the last symbol of the chain at address, or 0 if the chain does not end inside the
// library.
func (im *image) chainEnd(address, index uint64) (uint64, error) {
	const piece = 4096
	for _, load := range im.loads {
		if !holds(load.Vaddr, load.Filesz, address, 4) {
			continue
		}
		for left := load.Filesz - (address - load.Vaddr); left >= 4; {
			n := min(left&^3, piece)
			b, err := im.at(load.Off+(address-load.Vaddr), n)
			if err != nil {
				return 0, err
			}
			for ; len(b) > 0; b = b[4:] {
				index++
				if b[0]&1 != 0 {
					return index, nil
				}
			}
			address += n
			left -= n
		}
	}
	return 0, nil
}

// sysvHash checks a DT_HASH table and returns the number of symbols, which it states. A chain that runs in a circle would
// keep the loader for ever.
func (im *image) sysvHash(address uint64) (uint64, error) {
	bad := func(actual string) (uint64, error) {
		return 0, im.refuse(CheckSymbols, "a sound hash table", actual)
	}
	header, ok, err := im.read(address, 8)
	if err != nil {
		return 0, err
	} else if !ok {
		return bad(fmt.Sprintf("address %#x", address))
	}
	buckets, count := uint64(little.Uint32(header)), uint64(little.Uint32(header[4:]))
	table, ok, err := im.read(address+8, (buckets+count)*4)
	if err != nil {
		return 0, err
	} else if !ok || buckets == 0 {
		return bad(fmt.Sprintf("%d buckets for %d symbols", buckets, count))
	}
	next := func(i uint64) uint64 { return uint64(little.Uint32(table[i*4:])) }
	seen := make([]bool, count)
	for bucket := range buckets {
		for i := next(bucket); i != 0; i = next(buckets + i) {
			if i >= count || seen[i] {
				return bad(fmt.Sprintf("a chain that leads to symbol %d of %d, not for the first time or not at all", i, count))
			}
			seen[i] = true
		}
	}
	return count, nil
}
