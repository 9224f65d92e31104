package artifact

import (
	"debug/elf"
	"slices"
	"strings"
)

// linkage is what a library takes from others and offers them.
type linkage struct {
	imports []string // undefined symbols, sorted
	exports int
	unique  []string // defined with STB_GNU_UNIQUE, sorted
	// weakStd are exported weak definitions of the C++ standard library, sorted.
	weakStd []string
	// interposed are functions of the library's own which its calls will miss, because libc has one of that name.
	interposed []string
	// writableCode says that a segment is both writable and executable.
	writableCode bool
}

func (im *image) linkage() linkage {
	var l linkage
	for i := range im.symbolTotal() {
		s, name := im.symbol(i), im.name(i)
		if name == "" {
			continue
		}
		if elf.SectionIndex(s.Shndx) == elf.SHN_UNDEF {
			l.imports = append(l.imports, name)
			continue
		}
		if !exported(s) {
			continue
		}
		l.exports++
		bind := elf.ST_BIND(s.Info)
		if bind == bindUnique {
			l.unique = append(l.unique, name)
		}
		if bind == elf.STB_WEAK && (strings.HasPrefix(name, "_ZNSt") || strings.HasPrefix(name, "_ZNKSt")) {
			l.weakStd = append(l.weakStd, name)
		}
		if im.interposed(i, s, name) {
			l.interposed = append(l.interposed, name)
		}
	}
	for _, names := range [][]string{l.imports, l.unique, l.weakStd, l.interposed} {
		slices.Sort(names)
	}
	for _, load := range im.loads {
		const both = elf.PF_W | elf.PF_X
		l.writableCode = l.writableCode || elf.ProgFlag(load.Flags)&both == both
	}
	return l
}

// interposed reports whether a use of the symbol by the library itself goes through a relocation, which the loader
// resolves in libc first, and libc has one of that name.
func (im *image) interposed(i uint32, s elf.Sym64, name string) bool {
	_, symbolic := im.dynamic[elf.DT_SYMBOLIC]
	symbolic = symbolic || elf.DynFlag(im.dynamic[elf.DT_FLAGS])&elf.DF_SYMBOLIC != 0
	return !symbolic && im.referenced[i] && elf.ST_VISIBILITY(s.Other) == elf.STV_DEFAULT &&
		elf.ST_TYPE(s.Info) == elf.STT_FUNC && libcNames[name]
}

// imported returns the imports that match one of the patterns.
func (l linkage) imported(patterns []string) []string { return matching(l.imports, patterns) }

// matching returns the names equal to one of the patterns or, for a pattern that ends in *, beginning with it.
func matching(names, patterns []string) []string {
	var found []string
	for _, name := range names {
		if slices.ContainsFunc(patterns, func(pattern string) bool {
			prefix, open := strings.CutSuffix(pattern, "*")
			return name == pattern || open && strings.HasPrefix(name, prefix)
		}) {
			found = append(found, name)
		}
	}
	return found
}

// libcNames are functions of the C library, which is loaded before any plugin, whose names a plugin is likely to use for
// its own.
var libcNames = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range strings.Fields(`
		abs accept access alarm basename bind brk calloc clock clone close connect creat daemon dirname div dup ecvt err
		error fork free ftw getline getw glob index insque kill link listen lsearch malloc mount nice open pause pipe
		psignal putw raise rand random read realloc recv remove remque rename rindex select send shutdown sigpause sleep
		socket splice srand stat strdup sync tee time tolower toupper truncate umask unlink utime vfork wait warn write`) {
		names[name] = true
	}
	return names
}()
