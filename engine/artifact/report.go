package artifact

import (
	"fmt"
	"slices"
)

// Severity says how much a finding matters.
type Severity int

const (
	// Info is worth knowing and needs no action.
	Info Severity = iota
	// Warn stops the library from being unloaded or endangers the host; a strict host refuses it.
	Warn
)

// String returns "info" or "warn".
func (s Severity) String() string {
	if s == Warn {
		return "warn"
	}
	return "info"
}

// MarshalText implements encoding.TextMarshaler as String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(text []byte) error {
	switch string(text) {
	case "info":
		*s = Info
	case "warn":
		*s = Warn
	default:
		return fmt.Errorf("severity: expected info or warn, found %q", text)
	}
	return nil
}

// Finding is one thing about a library that loads which its author should know.
type Finding struct {
	// Code names the kind of finding and stays the same from version to version, such as "gnu-unique".
	Code string `json:"code"`
	// Severity says how much it matters.
	Severity Severity `json:"severity"`
	// Pins says that because of this the library may stay mapped after dlclose.
	Pins bool `json:"pins,omitempty"`
	// Subject is what was found: symbols, a flag, a path.
	Subject string `json:"subject"`
	// Why says what may come of it.
	Why string `json:"why"`
	// Remedy says what to change.
	Remedy string `json:"remedy"`
}

// Symbol is where a symbol lies in a library.
type Symbol struct {
	// Value is the address relative to where the library is loaded.
	Value uint64 `json:"value"`
	// Size is in bytes; 0 if the library does not tell.
	Size uint64 `json:"size"`
}

// Report describes a library that can be loaded. It is read-only once it has been returned.
type Report struct {
	// Machine is the processor the library is for, such as "x86-64".
	Machine string `json:"machine"`
	// Size is that of the file in bytes.
	Size int64 `json:"size"`
	// Memory is the span of addresses the library takes when loaded, in bytes.
	Memory uint64 `json:"memory"`
	// Entry is the entry function.
	Entry Symbol `json:"entry"`
	// Exports is the number of symbols other libraries can bind to.
	Exports int `json:"exports"`
	// Soname is the library's own name; empty if it has none.
	Soname string `json:"soname,omitempty"`
	// Needed are the libraries it depends on, in order.
	Needed []string `json:"needed,omitempty"`
	// SearchPath is DT_RUNPATH, else DT_RPATH, as written.
	SearchPath string `json:"search_path,omitempty"`
	// BuildID is the linker's identification of the build in hexadecimal; empty if it has none.
	BuildID string `json:"build_id,omitempty"`
	// HasDWARF says that debug information with types is in the file.
	HasDWARF bool `json:"has_dwarf"`
	// NoDelete says that the library asks never to be unloaded.
	NoDelete bool `json:"no_delete"`
	// UniqueSymbols are the definitions with binding STB_GNU_UNIQUE, sorted.
	UniqueSymbols []string `json:"unique_symbols,omitempty"`
	// ThreadLocalDestructors says that code may register destructors of thread-local objects.
	ThreadLocalDestructors bool `json:"thread_local_destructors"`
	// StaticTLS says that the library takes thread-local storage which only a limited reserve provides.
	StaticTLS bool `json:"static_tls"`
	// TextRelocations says that the loader has to write into the library's code.
	TextRelocations bool `json:"text_relocations"`
	// ExecutableStack says that the library asks for executable stacks.
	ExecutableStack bool `json:"executable_stack"`
	// GoRuntime says that the library holds a Go runtime of its own.
	GoRuntime bool `json:"go_runtime"`
	// NeedsGOMP says that the library uses OpenMP, whose threads outlive it.
	NeedsGOMP bool `json:"needs_gomp"`
	// Findings are ordered by severity, the gravest first.
	Findings []Finding `json:"findings"`
}

// Worst returns the highest severity among the findings; Info if there are none.
func (r *Report) Worst() Severity {
	worst := Info
	for _, f := range r.Findings {
		worst = max(worst, f.Severity)
	}
	return worst
}

// Pins returns the findings because of which the library may stay mapped after dlclose.
func (r *Report) Pins() []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return !f.Pins })
}

// Has reports whether there is a finding with the given code.
func (r *Report) Has(code string) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == code })
}
