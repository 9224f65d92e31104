package artifact

import (
	"debug/elf"
	"fmt"
)

// checkLookup checks that the loader finds by name what the library defines: with a wrong name or hash, a weak symbol of
// the library's own would be taken for missing, and silently become address 0. The tables have been found sound.
func (im *image) checkLookup() error {
	if address, ok := im.dynamic[elf.DT_GNU_HASH]; ok {
		return im.checkGNULookup(address)
	}
	return im.checkSysvLookup(im.dynamic[elf.DT_HASH])
}

func (im *image) checkGNULookup(address uint64) error {
	header, _, err := im.read(address, 16)
	if err != nil {
		return err
	}
	buckets, first, filterSize, shift := little.Uint32(header), little.Uint32(header[4:]), little.Uint32(header[8:]), little.Uint32(header[12:])
	total := im.symbolTotal()
	if first >= total {
		return nil // nothing is exported
	}
	start := address + 16
	filter, ok, err := im.read(start, uint64(filterSize)*8)
	if err != nil {
		return err
	}
	start += uint64(filterSize) * 8
	table, okBuckets, err := im.read(start, uint64(buckets)*4)
	if err != nil {
		return err
	}
	start += uint64(buckets) * 4
	chains, okChains, err := im.read(start, uint64(total-first)*4)
	if err != nil {
		return err
	}
	if !ok || !okBuckets || !okChains {
		return im.refuse(CheckSymbols, "the GNU hash table inside the library", fmt.Sprintf("address %#x", address))
	}
	starts := true // a chain begins here
	var bucket uint32
	for i := first; i < total; i++ {
		chain := little.Uint32(chains[(i-first)*4:])
		hash := gnuHashOf(im.name(i))
		word := little.Uint64(filter[uint64(hash/64&(filterSize-1))*8:])
		switch {
		case chain|1 != hash|1:
			return im.notFound(i, "another hash")
		case word>>(hash%64)&1 == 0 || word>>(hash>>(shift&31)%64)&1 == 0:
			return im.notFound(i, "no bits in the filter")
		case starts && little.Uint32(table[hash%buckets*4:]) != i:
			return im.notFound(i, "a bucket that begins elsewhere")
		case !starts && hash%buckets != bucket:
			return im.notFound(i, "the chain of another bucket")
		}
		bucket, starts = hash%buckets, chain&1 != 0
	}
	return nil
}

func (im *image) checkSysvLookup(address uint64) error {
	header, _, err := im.read(address, 8)
	if err != nil {
		return err
	}
	buckets, total := little.Uint32(header), im.symbolTotal()
	table, ok, err := im.read(address+8, (uint64(buckets)+uint64(total))*4)
	if err != nil || !ok {
		return err
	}
	found := make([]bool, total)
	for bucket := range buckets {
		for i := little.Uint32(table[bucket*4:]); i != 0; i = little.Uint32(table[(uint64(buckets)+uint64(i))*4:]) {
			if sysvHashOf(im.name(i))%buckets != bucket {
				return im.notFound(i, "the chain of another bucket")
			}
			found[i] = true
		}
	}
	for i, ok := range found {
		if s := im.symbol(uint32(i)); !ok && exported(s) {
			return im.notFound(uint32(i), "no chain")
		}
	}
	return nil
}

func (im *image) notFound(i uint32, actual string) error {
	return im.refuse(CheckSymbols, fmt.Sprintf("symbol %d, %q, where its name's hash says", i, im.name(i)), actual)
}

// gnuHashOf is the hash function of DT_GNU_HASH.
func gnuHashOf(name string) uint32 {
	h := uint32(5381)
	for i := range len(name) {
		h = h*33 + uint32(name[i])
	}
	return h
}

// sysvHashOf is the hash function of DT_HASH, as in the System V ABI.
func sysvHashOf(name string) uint32 {
	var h uint32
	for i := range len(name) {
		h = h<<4 + uint32(name[i])
		high := h & 0xf0000000
		h = (h ^ high>>24) &^ high
	}
	return h
}
