package native

import (
	"debug/elf"
	"fmt"
	"os"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Segment is one loadable part of a library at its place in memory.
type Segment struct {
	Low, High  uintptr // High is exclusive
	Read       bool
	Write      bool
	Executable bool
}

// Image is the memory of one loaded library.
type Image struct {
	Base     uintptr
	Segments []Segment
}

// imageOf computes the image of the library file at path that is loaded at base.
func imageOf(path string, base uintptr) (Image, error) {
	f, err := elf.Open(path)
	if err != nil {
		return Image{}, err
	}
	defer func() { _ = f.Close() }()
	img := Image{Base: base}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Memsz > 0 {
			low := base + uintptr(p.Vaddr)
			img.Segments = append(img.Segments, Segment{
				Low: low, High: low + uintptr(p.Memsz),
				Read: p.Flags&elf.PF_R != 0, Write: p.Flags&elf.PF_W != 0, Executable: p.Flags&elf.PF_X != 0,
			})
		}
	}
	return img, nil
}

// Bytes returns the n bytes at addr, which must lie in one readable segment. They are valid while the library is open.
func (i Image) Bytes(addr uintptr, n int) ([]byte, error) {
	for _, s := range i.Segments {
		if s.Read && s.Low <= addr && addr < s.High && uintptr(n) <= s.High-addr {
			return bytesAt(addr, n), nil
		}
	}
	return nil, fmt.Errorf("%d bytes at %#x are not inside the library", n, addr)
}

// Text tells whether addr lies in an executable segment.
func (i Image) Text(addr uintptr) bool {
	for _, s := range i.Segments {
		if s.Executable && s.Low <= addr && addr < s.High {
			return true
		}
	}
	return false
}

// text spans the executable segments.
func (i Image) text() Segment {
	var t Segment
	for _, s := range i.Segments {
		if !s.Executable {
			continue
		}
		if t.High == 0 {
			t = s
		}
		t.Low, t.High = min(t.Low, s.Low), max(t.High, s.High)
	}
	return t
}

// mapping is one line of /proc/self/maps.
type mapping struct {
	low, high, offset uintptr
	perms, path       string // path is empty where no file is mapped
}

// mappings reads /proc/self/maps.
func mappings() ([]mapping, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	var all []mapping
	for line := range strings.Lines(string(maps)) {
		var m mapping
		var device string
		var inode uint64
		if _, err := fmt.Sscanf(line, "%x-%x %s %x %s %d", &m.low, &m.high, &m.perms, &m.offset, &device, &inode); err != nil {
			continue
		}
		// The path ends the line, with " (deleted)" behind it when the file has gone.
		if i := strings.IndexByte(line, '/'); i >= 0 {
			m.path = strings.TrimSuffix(strings.TrimSuffix(line[i:], "\n"), " (deleted)")
		}
		all = append(all, m)
	}
	return all, nil
}

// mapped tells whether any mapping of the process is backed by the file path.
func mapped(path string) (bool, error) {
	all, err := mappings()
	return slices.ContainsFunc(all, func(m mapping) bool { return m.path == path }), err
}

// absent tells whether nothing at all is mapped where the library was. To ask the kernel that takes a microsecond; to read
// the list of all mappings takes hundreds of them, on a processor that workers want.
func (i Image) absent() bool {
	page := uintptr(os.Getpagesize())
	for _, s := range i.Segments {
		var resident [1]byte
		_, _, errno := unix.Syscall(unix.SYS_MINCORE, s.Low&^(page-1), page, uintptr(unsafe.Pointer(&resident)))
		if errno != unix.ENOMEM {
			return false
		}
	}
	return len(i.Segments) > 0
}

// mappingOf returns the file that is mapped at addr and the offset in it; "" where there is none.
func mappingOf(addr uintptr) (path string, offset uintptr) {
	all, _ := mappings() // without them the address has no name
	for _, m := range all {
		if m.low <= addr && addr < m.high {
			return m.path, addr - m.low + m.offset
		}
	}
	return "", 0
}
