package artifact

import "fmt"

// Check names what a file failed, in words that stay the same from version to version.
type Check string

// The checks, in the order in which they are made.
const (
	CheckReadable    Check = "readable"    // the file opens and can be read
	CheckRegular     Check = "regular"     // it is a file, no directory, pipe or device
	CheckSize        Check = "size"        // neither empty nor absurdly large
	CheckFormat      Check = "format"      // ELF, 64-bit, little-endian
	CheckMachine     Check = "machine"     // for this processor
	CheckType        Check = "type"        // a shared library
	CheckComplete    Check = "complete"    // nothing that it refers to lies past its end
	CheckSegments    Check = "segments"    // its program headers agree with each other
	CheckDynamic     Check = "dynamic"     // so does its dynamic section
	CheckSymbols     Check = "symbols"     // and its symbol, string and hash tables
	CheckEntry       Check = "entry"       // it defines the entry function
	CheckRelocations Check = "relocations" // its relocations stay within it
	CheckVersions    Check = "versions"    // its symbol versions are defined
)

const rebuild = "the file is damaged: build it again"

var hints = map[Check]string{
	CheckReadable: "check the path and its permissions",
	CheckRegular:  "name the library file itself",
	CheckSize:     "check that the build wrote the library, and to this path",
	CheckFormat:   "build a 64-bit shared library: -shared -fPIC",
	CheckMachine:  "build for the machine that the host runs on",
	CheckType:     "link a shared library: -shared -fPIC, without -c, -r, -static or -pie",
	CheckComplete: "the file is cut short: wait for the build to end, or let it write another name and rename that; if it persists, build again",
	CheckSegments: rebuild, CheckDynamic: rebuild, CheckSymbols: rebuild, CheckRelocations: rebuild, CheckVersions: rebuild,
	CheckEntry: `define and export "logic_api_t *logic_get_api(void)" (C++: extern "C"; Rust: #[no_mangle] pub extern "C" in a cdylib; Zig: export fn)`,
}

// Refusal is the error for a file that cannot be loaded at all.
type Refusal struct {
	// File is the path as the caller named it.
	File string `json:"file"`
	// Check is what the file failed.
	Check Check `json:"check"`
	// Expected and Actual say what a loadable file would have there, and what this one has.
	Expected string `json:"expected"`
	Actual   string `json:"actual"`
	// Hint says what to do.
	Hint string `json:"hint"`
	// Err is the system's error behind it, if any.
	Err error `json:"-"`
}

// Error returns all but the hint in one line.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: refused (%s): expected %s, found %s", r.File, r.Check, r.Expected, r.Actual)
}

// Unwrap returns the system's error, if any.
func (r *Refusal) Unwrap() error { return r.Err }

func refuse(file string, check Check, expected, actual string) *Refusal {
	return &Refusal{File: file, Check: check, Expected: expected, Actual: actual, Hint: hints[check]}
}

func unreadable(file string, err error) *Refusal {
	r := refuse(file, CheckReadable, "a file that can be read", err.Error())
	r.Err = err
	return r
}
