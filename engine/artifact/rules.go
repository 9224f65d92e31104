package artifact

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Imports that several rules or the report ask for; a trailing * stands for any ending.
var (
	threadLocalDestructors = []string{"__cxa_thread_atexit", "__cxa_thread_atexit_impl"}
	openMP                 = []string{"GOMP_*", "__kmpc_*", "omp_*"}
	openMPLibraries        = []string{"libgomp.so*", "libomp.so*", "libiomp5.so*"}
)

const exportOnlyEntry = `export nothing but the entry: -Wl,--version-script=FILE with "{ global: ` + EntryName + `; local: *; };" in FILE`

// rule finds one kind of thing.
type rule struct {
	code     string
	severity Severity
	pins     bool
	why      string
	remedy   string
	// subject returns what was found, "" for nothing.
	subject func(*Report, linkage) string
}

// imports is the subject of a rule that is about calls.
func imports(patterns ...string) func(*Report, linkage) string {
	return func(_ *Report, l linkage) string { return list(l.imported(patterns)) }
}

// flag is the subject of a rule that is about a property.
func flag(subject string, set func(*Report, linkage) bool) func(*Report, linkage) string {
	return func(r *Report, l linkage) string {
		if set(r, l) {
			return subject
		}
		return ""
	}
}

// rules is the table behind Report.Findings. Which of these pin a library was tried with glibc 2.36: dlclose returned 0
// each time, and the library stayed mapped.
var rules = []rule{
	{
		code: "nodelete", severity: Warn, pins: true,
		why:     "the library asks never to be unloaded; every generation stays in memory",
		remedy:  "link without -z nodelete",
		subject: flag("DF_1_NODELETE", func(r *Report, _ linkage) bool { return r.NoDelete && !r.GoRuntime }),
	},
	{
		code: "go-runtime", severity: Warn, pins: true,
		why:     "a Go runtime cannot be unloaded, and its signal handlers and threads meet those of the host",
		remedy:  "write the plugin in a language without a runtime of its own: C, C++, Rust, Zig",
		subject: flag("a Go runtime", func(r *Report, _ linkage) bool { return r.GoRuntime }),
	},
	{
		code: "gnu-unique", severity: Warn, pins: true,
		why: "these have one definition per process (STB_GNU_UNIQUE): the library is never unloaded, and the next generation " +
			"uses the old one's inline and template statics instead of its own",
		remedy:  exportOnlyEntry + "; -fno-gnu-unique alone is not enough",
		subject: func(r *Report, _ linkage) string { return list(r.UniqueSymbols) },
	},
	{
		code: "libstdcxx-binds-back", severity: Warn, pins: true,
		why:    "when the plugin is the first to load libstdc++, that binds to these definitions, and keeps the library in memory",
		remedy: exportOnlyEntry,
		subject: func(r *Report, l linkage) string {
			if len(r.UniqueSymbols) > 0 || len(matching(r.Needed, []string{"libstdc++.so*"})) == 0 {
				return ""
			}
			return list(l.weakStd)
		},
	},
	{
		code: "thread-local-destructors", severity: Warn, pins: true,
		why:     "once a thread has registered the destructor of a thread-local object, the library stays until that thread ends",
		remedy:  "use no thread_local objects with destructors in ticks (Rust always imports these: harmless unless a thread_local with Drop is touched)",
		subject: imports(threadLocalDestructors...),
	},
	{
		code: "static-tls", severity: Warn,
		why:     "initial-exec thread-local storage comes from a small reserve; after a few generations none is left and loading fails",
		remedy:  "compile without -ftls-model=initial-exec or local-exec, and with -fPIC",
		subject: flag("DF_STATIC_TLS", func(r *Report, _ linkage) bool { return r.StaticTLS && !r.GoRuntime }),
	},
	{
		code: "openmp", severity: Warn,
		why:    "OpenMP's threads outlive the plugin; when its library is unmapped with it, they crash the host",
		remedy: "leave parallelism to the host's workers, or preload the OpenMP library so that it stays",
		subject: func(r *Report, l linkage) string {
			return list(append(matching(r.Needed, openMPLibraries), l.imported(openMP)...))
		},
	},
	{
		code: "exits", severity: Warn,
		why:     "ends the whole host; nothing can contain it",
		remedy:  "record the error in the state and return",
		subject: imports("exit", "_exit", "_Exit", "quick_exit", "_ZSt10quick_exiti"),
	},
	{
		code: "aborts", severity: Info,
		why:     "a call poisons the generation: it is rolled back, and the library stays in memory",
		remedy:  "record the error in the state and return; compile with -DNDEBUG if it comes from assert",
		subject: imports("abort", "__assert_fail", "__assert", "__assert_perror_fail"),
	},
	{
		code: "signal-handlers", severity: Warn,
		why:     "a handler takes the place of the host's fault containment, and dangles once the library is gone",
		remedy:  "leave signals to the host",
		subject: imports("signal", "sigaction", "bsd_signal", "sysv_signal", "__sysv_signal", "sigset", "sigvec"),
	},
	{
		code: "threads", severity: Warn,
		why:     "a thread that still runs when the library is unmapped crashes the host, and faults on it are not contained",
		remedy:  "leave parallelism to the host's workers, or end every thread in before_reload",
		subject: imports("pthread_create", "thrd_create", "_ZNSt6thread15_M_start_thread*"),
	},
	{
		code: "thread-key-destructors", severity: Warn,
		why:     "a destructor registered for a thread key is called when a thread ends, even if the library is gone by then",
		remedy:  "use thread_local or the state instead of keys, or pass no destructor (Rust's standard library always imports it)",
		subject: imports("pthread_key_create", "tss_create"),
	},
	{
		code: "exit-handlers", severity: Warn,
		why:     "unlike atexit, on_exit does not know its library: the handler is called after the library is gone",
		remedy:  "use atexit, whose handlers run when the library is unloaded",
		subject: imports("on_exit", "at_quick_exit"),
	},
	{
		code: "processes", severity: Warn,
		why:     "a fork copies the host with one thread and all its locks; a child that outlives a tick keeps descriptors open",
		remedy:  "start no processes from a plugin",
		subject: imports("fork", "vfork", "__fork", "clone", "_Fork", "posix_spawn", "posix_spawnp", "system", "popen", "daemon", "exec*"),
	},
	{
		code: "loads-libraries", severity: Warn,
		why:     "a library opened by the plugin keeps its own references, and is not swapped with it",
		remedy:  "link what the plugin needs, and load nothing at run time",
		subject: imports("dlopen", "dlmopen"),
	},
	{
		code: "sanitizer", severity: Warn,
		why:     "the runtime of this sanitizer must be the first library of the process, and ends a host where it is not",
		remedy:  "use -fsanitize=undefined, or preload the runtime into the host with LD_PRELOAD",
		subject: imports("__asan_init", "__tsan_init", "__msan_init", "__hwasan_init", "__lsan_init"),
	},
	{
		code: "text-relocations", severity: Warn,
		why:     "the loader writes into code pages: they are not shared, and hardened systems refuse that",
		remedy:  "compile every unit with -fPIC",
		subject: flag("DT_TEXTREL", func(r *Report, _ linkage) bool { return r.TextRelocations }),
	},
	{
		code: "executable-stack", severity: Warn,
		why:     "the loader makes every stack of the host executable for it, or refuses to load it (glibc 2.41 and later)",
		remedy:  "link with -Wl,-z,noexecstack; assembly needs a .note.GNU-stack section; avoid nested functions whose address is taken",
		subject: flag("PT_GNU_STACK", func(r *Report, _ linkage) bool { return r.ExecutableStack }),
	},
	{
		code: "writable-code", severity: Warn,
		why:     "a segment is both writable and executable; hardened systems refuse that, and a stray write changes code",
		remedy:  "link without -N and without linker scripts that put code and data into one segment",
		subject: flag("PT_LOAD", func(_ *Report, l linkage) bool { return l.writableCode }),
	},
	{
		code: "interposed", severity: Warn,
		why:     "libc has functions of these names, and the library's own calls reach those instead",
		remedy:  "make them static or rename them; or link with -Wl,-Bsymbolic; or " + exportOnlyEntry,
		subject: func(_ *Report, l linkage) string { return list(l.interposed) },
	},
	{
		code: "origin-path", severity: Warn,
		why:    "$ORIGIN is the library's directory, and the host loads a private copy from another one",
		remedy: "link with an absolute -rpath",
		subject: func(r *Report, _ linkage) string {
			if strings.Contains(r.SearchPath, "$ORIGIN") || strings.Contains(r.SearchPath, "${ORIGIN}") {
				return r.SearchPath
			}
			return ""
		},
	},
	{
		code: "relative-path", severity: Warn,
		why:    "these are looked up from the directory in which the host was started",
		remedy: "give the library a soname (-Wl,-soname,NAME) and link with -L, -l and an absolute -rpath",
		subject: func(r *Report, _ linkage) string {
			return list(slices.DeleteFunc(slices.Clone(r.Needed), func(name string) bool {
				return !strings.Contains(name, "/") || filepath.IsAbs(name)
			}))
		},
	},
	{
		code: "foreign-libc", severity: Warn,
		why:    "it is built for musl; a second C library in one process does not work with the first",
		remedy: "build with the compiler of the host's system",
		subject: func(r *Report, _ linkage) string {
			return list(matching(r.Needed, []string{"libc.musl*", "ld-musl*", "libc.so"}))
		},
	},
	{
		code: "no-debug-information", severity: Info,
		why:     "the layout of the state cannot be read from it, unless the plugin has a table of fields",
		remedy:  "compile with -g",
		subject: flag(".debug_info", func(r *Report, _ linkage) bool { return !r.HasDWARF }),
	},
}

// findings applies the rules.
func findings(r *Report, l linkage) []Finding {
	found := []Finding{}
	for _, rule := range rules {
		if subject := rule.subject(r, l); subject != "" {
			found = append(found, Finding{
				Code: rule.code, Severity: rule.severity, Pins: rule.pins,
				Subject: subject, Why: rule.why, Remedy: rule.remedy,
			})
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return int(b.Severity - a.Severity) })
	return found
}

// list names the first few.
func list(names []string) string {
	const most = 4
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
