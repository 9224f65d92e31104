package artifact

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// MaxSize is the size in bytes above which no file is taken for a plugin.
const MaxSize = 1 << 30

// Inspect reads the library at path without loading it. The error is a *Refusal if the file cannot be loaded, or not
// without danger to the process that loads it. The file must not change meanwhile, as those in a Store do not: Inspect
// itself is safe on any file, but what it says of one that changes means nothing. Memory and time are bounded by the
// sizes of the file's tables. It may be called by several goroutines at once.
func Inspect(path string) (*Report, error) {
	file, size, err := open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return inspect(path, file, size)
}

// open opens a file that may be a library and returns its size; it does not hang on pipes and devices.
func open(path string) (*os.File, int64, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, unreadable(path, cause(err))
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		err = unreadable(path, cause(err))
	case info.IsDir():
		err = refuse(path, CheckRegular, "a file", "a directory")
	case !info.Mode().IsRegular():
		err = refuse(path, CheckRegular, "a regular file", "mode "+info.Mode().String())
	default:
		err = checkSize(path, info.Size())
	}
	if err != nil {
		_ = file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

func checkSize(path string, size int64) error {
	switch {
	case size == 0:
		return refuse(path, CheckSize, "a library", "an empty file")
	case size > MaxSize:
		return refuse(path, CheckSize, fmt.Sprintf("at most %d bytes", int64(MaxSize)), fmt.Sprint(size))
	default:
		return nil
	}
}

// cause strips the operation and path from a file system error; the Refusal names the path itself.
func cause(err error) error {
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// inspect is Inspect for the size bytes behind r.
func inspect(path string, r io.ReaderAt, size int64) (*Report, error) {
	im := &image{file: path, r: r, size: uint64(size)}
	if err := im.readLayout(); err != nil {
		return nil, err
	}
	entry, err := im.findEntry()
	if err != nil {
		return nil, err
	}
	notes, err := im.readLinkage()
	if err != nil {
		return nil, err
	}
	return im.report(entry, notes), nil
}

// readLayout reads the parts that say where everything is.
func (im *image) readLayout() error {
	for _, read := range []func() error{im.readHeader, im.readSegments, im.readSections, im.readDynamic, im.readSymbols} {
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

// readLinkage reads the parts that tie the library to others.
func (im *image) readLinkage() (notes, error) {
	if err := im.readRelocations(); err != nil {
		return notes{}, err
	}
	if err := im.readVersions(); err != nil {
		return notes{}, err
	}
	return im.readNotes()
}

func (im *image) report(entry Symbol, notes notes) *Report {
	flags, flags1 := elf.DynFlag(im.dynamic[elf.DT_FLAGS]), elf.DynFlag1(im.dynamic[elf.DT_FLAGS_1])
	l := im.linkage()
	r := &Report{
		Machine: im.machine.name, Size: int64(im.size), Memory: im.span(), Entry: entry, Exports: l.exports,
		Soname: im.dynamicString(elf.DT_SONAME), SearchPath: im.dynamicString(elf.DT_RUNPATH),
		BuildID:         notes.buildID,
		HasDWARF:        im.hasSection(".debug_info") || im.hasSection(".zdebug_info"),
		NoDelete:        flags1&elf.DF_1_NODELETE != 0,
		UniqueSymbols:   l.unique,
		StaticTLS:       flags&elf.DF_STATIC_TLS != 0,
		TextRelocations: im.textRelocations(),
		ExecutableStack: im.executableStack(),
		GoRuntime:       notes.fromGo || im.hasSection(".gopclntab") || im.hasSection(".go.buildinfo"),
	}
	if r.SearchPath == "" {
		r.SearchPath = im.dynamicString(elf.DT_RPATH)
	}
	for _, offset := range im.needed {
		r.Needed = append(r.Needed, stringAt(im.strings, offset))
	}
	r.ThreadLocalDestructors = len(l.imported(threadLocalDestructors)) > 0
	r.NeedsGOMP = len(l.imported(openMP)) > 0 || len(matching(r.Needed, openMPLibraries)) > 0
	r.Findings = findings(r, l)
	return r
}

// dynamicString returns the string behind a tag; empty if there is none.
func (im *image) dynamicString(tag elf.DynTag) string {
	offset, ok := im.dynamic[tag]
	if !ok {
		return ""
	}
	return stringAt(im.strings, offset)
}

// executableStack reports whether the loader would make stacks executable: the library asks for it, or says nothing,
// which on x86-64 means the same.
func (im *image) executableStack() bool {
	s, ok := im.segment(elf.PT_GNU_STACK)
	return !ok && im.id == elf.EM_X86_64 || ok && elf.ProgFlag(s.Flags)&elf.PF_X != 0
}
