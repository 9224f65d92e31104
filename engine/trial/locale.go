package trial

import (
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"hotreload/engine/native"
)

// findLibc returns the C library of this process, nil if there is no glibc.
func findLibc() *native.Library {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(maps)) {
		if i := strings.IndexByte(line, '/'); i >= 0 && filepath.Base(strings.TrimSpace(line[i:])) == "libc.so.6" {
			libc, err := native.Open(strings.TrimSpace(line[i:])) // it is loaded already, and stays so
			if err != nil {
				return nil
			}
			return libc
		}
	}
	return nil
}

// locale describes the locale that libc uses: what setlocale(LC_CTYPE, NULL) returns, and the decimal point.
func (r *rehearsal) locale() string {
	if r.libc == nil {
		return ""
	}
	setlocale, err := r.libc.Symbol("setlocale")
	if err != nil {
		return ""
	}
	localeconv, err := r.libc.Symbol("localeconv")
	if err != nil {
		return ""
	}
	// Thread.Get passes zeros, and LC_CTYPE is 0.
	name, fault := r.thread.Get(r.libc, setlocale)
	if fault != nil || name == 0 {
		return ""
	}
	text := cString(name)
	conv, fault := r.thread.Get(r.libc, localeconv)
	if fault != nil || conv == 0 {
		return text
	}
	if point := cString(*(*uintptr)(pointer(conv))); point != "." { // the first member is char *decimal_point
		text += " with decimal point " + point
	}
	return text
}

// cString copies the NUL-terminated string at addr, which libc has returned.
func cString(addr uintptr) string {
	const most = 200
	var text []byte
	for i := range uintptr(most) {
		b := *(*byte)(pointer(addr + i))
		if b == 0 {
			break
		}
		text = append(text, b)
	}
	return string(text)
}

// pointer turns an address of native memory into a pointer, which the collector ignores.
func pointer(addr uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&addr)) }
