package artifact

import (
	"os/exec"
	"strings"
	"testing"
)

func TestFindings(t *testing.T) {
	c := func(source string, flags ...string) func(*testing.T) string {
		return func(t *testing.T) string { return compileC(t, plainC+"\n"+source, flags...) }
	}
	cxx := func(source string, flags ...string) func(*testing.T) string {
		return func(t *testing.T) string {
			return compile(t, "g++", ".cc", `extern "C" void *logic_get_api() { return nullptr; }`+"\n"+source,
				append([]string{"-shared", "-fPIC"}, flags...)...)
		}
	}
	const iostream = "#include <iostream>\n#include <map>\n#include <string>\nstd::map<std::string, int> m; void f() { m[\"x\"]++; std::cout << m.size() << std::endl; }"
	for _, test := range []struct {
		name    string
		lib     func(*testing.T) string
		code    string // "" for no warning at all
		subject string
		pins    bool
	}{
		{"plain C", c(""), "", "", false},
		{"nodelete", c("", "-Wl,-z,nodelete"), "nodelete", "DF_1_NODELETE", true},
		{"C++ inline static", cxx("inline int &f() { static int x; return x; } int g() { return f(); }"), "gnu-unique", "_ZZ1fvE1x", true},
		{"C++ template static", cxx("template <class T> struct S { static int n; }; template <class T> int S<T>::n; int g() { return ++S<int>::n; }"), "gnu-unique", "_ZN1SIiE1nE", true},
		{"C++ inline static, -fno-gnu-unique", cxx("inline int &f() { static int x; return x; } int g() { return f(); }", "-fno-gnu-unique"), "", "", false},
		{"C++ library, -fno-gnu-unique", cxx(iostream, "-fno-gnu-unique"), "libstdcxx-binds-back", "_ZN", true},
		{"C++ thread_local", cxx("struct T { ~T(); int x; }; T::~T() { x = 0; } thread_local T t; int g() { return t.x++; }"), "thread-local-destructors", "__cxa_thread_atexit", true},
		{"initial-exec", c("__thread int x[64]; int *f(void) { return x; }", "-ftls-model=initial-exec"), "static-tls", "DF_STATIC_TLS", false},
		{"exit", c("#include <stdlib.h>\nvoid f(void) { exit(3); }"), "exits", "exit", false},
		{"_exit", c("#include <unistd.h>\nvoid f(void) { _exit(3); }"), "exits", "_exit", false},
		{"abort", c("#include <stdlib.h>\nvoid f(void) { abort(); }"), "aborts", "abort", false},
		{"assert", c("#include <assert.h>\nvoid f(int x) { assert(x); }"), "aborts", "__assert_fail", false},
		{"signal", c("#include <signal.h>\nvoid f(void) { signal(SIGSEGV, SIG_DFL); }"), "signal-handlers", "signal", false},
		{"sigaction", c("#include <signal.h>\nvoid f(void) { sigaction(SIGSEGV, 0, 0); }"), "signal-handlers", "sigaction", false},
		{"pthread_create", c("#include <pthread.h>\nvoid f(void) { pthread_create(0, 0, 0, 0); }"), "threads", "pthread_create", false},
		{"thrd_create", c("#include <threads.h>\nvoid f(void) { thrd_create(0, 0, 0); }"), "threads", "thrd_create", false},
		{"std::thread", cxx("#include <thread>\nvoid f() { std::thread([] {}).join(); }"), "threads", "_ZNSt6thread15_M_start_thread", false},
		{"pthread_key_create", c("#include <pthread.h>\nvoid f(void) { pthread_key_create(0, 0); }"), "thread-key-destructors", "pthread_key_create", false},
		{"on_exit", c("#define _GNU_SOURCE\n#include <stdlib.h>\nvoid f(void) { on_exit(0, 0); }"), "exit-handlers", "on_exit", false},
		{"atexit", c("#include <stdlib.h>\nstatic void g(void) {} void f(void) { atexit(g); }"), "", "", false},
		{"fork", c("#include <unistd.h>\nvoid f(void) { fork(); }"), "processes", "fork", false},
		{"system", c("#include <stdlib.h>\nvoid f(void) { if (system(\"\")) return; }"), "processes", "system", false},
		{"dlopen", c("#include <dlfcn.h>\nvoid f(void) { dlopen(0, 0); }"), "loads-libraries", "dlopen", false},
		{"OpenMP", c("void f(int *x) {\n#pragma omp parallel for\nfor (int i = 0; i < 9; i++) x[i] = i; }", "-fopenmp"), "openmp", "libgomp.so", false},
		{"text relocations", c(`__asm__(".text\nf: .quad logic_get_api\n");`, "-Wl,-z,notext"), "text-relocations", "DT_TEXTREL", false},
		{"executable stack", c("", "-Wl,-z,execstack"), "executable-stack", "PT_GNU_STACK", false},
		{"writable code", c(`__asm__(".section .both,\"awx\"\n.byte 0x90\n.text");`), "writable-code", "PT_LOAD", false},
		{"name of libc", c("int index(int x) { return x; } int f(int x) { return index(x); }", "-fno-builtin"), "interposed", "index", false},
		{"name of libc, unused", c("int index(int x) { return x; }", "-fno-builtin"), "", "", false},
		{"name of libc, -Bsymbolic", c("int index(int x) { return x; } int f(int x) { return index(x); }", "-fno-builtin", "-Wl,-Bsymbolic"), "", "", false},
		{"$ORIGIN", c("", "-Wl,-rpath,$ORIGIN/lib"), "origin-path", "$ORIGIN/lib", false},
		{"absolute path", c("", "-Wl,-rpath,/lib"), "", "", false},
		{"no debug information", c(""), "no-debug-information", ".debug_info", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := mustInspect(t, test.lib(t))
			if test.code == "" {
				if r.Worst() != Info || len(r.Pins()) != 0 {
					t.Errorf("expected no warning, got\n%s", codes(r))
				}
				return
			}
			for _, f := range r.Findings {
				if f.Code != test.code {
					continue
				}
				if !strings.Contains(f.Subject, test.subject) || f.Pins != test.pins || f.Why == "" || f.Remedy == "" {
					t.Errorf("%+v", f)
				}
				return
			}
			t.Errorf("expected %s, got\n%s", test.code, codes(r))
		})
	}
}

// TestVersionScriptCuresCxx: the remedy that the findings name is one.
func TestVersionScriptCuresCxx(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := dir + "/export.map"
	writeFile(t, script, "{ global: logic_get_api; local: *; };\n")
	r := mustInspect(t, compile(t, "g++", ".cc", `
		#include <map>
		#include <string>
		inline int &f() { static int x; return x; }
		std::map<std::string, int> m;
		extern "C" void *logic_get_api() { m["x"] += f(); return &m; }`, "-shared", "-fPIC", "-Wl,--version-script="+script))
	if len(r.Pins()) != 0 || r.Exports != 1 {
		t.Errorf("%d exports\n%s", r.Exports, codes(r))
	}
}

func TestRustLibrary(t *testing.T) {
	t.Parallel()
	r := mustInspect(t, compile(t, "rustc", ".rs", `
		#[no_mangle]
		pub extern "C" fn logic_get_api() -> *const u8 { println!("x"); std::ptr::null() }`, "--crate-type=cdylib"))
	if !r.ThreadLocalDestructors || !r.Has("thread-local-destructors") {
		t.Error(codes(r))
	}
}

func TestGoLibrary(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "go", "env", "CGO_ENABLED").Output(); err != nil || strings.TrimSpace(string(out)) != "1" {
		t.Skip("needs cgo")
	}
	if testing.Short() {
		t.Skip("compiles a Go program")
	}
	r := mustInspect(t, compile(t, "go", ".go", "package main\n\nimport \"C\"\n\n//export logic_get_api\nfunc logic_get_api() uintptr { return 0 }\n\nfunc main() {}\n", "build", "-buildmode=c-shared"))
	if !r.GoRuntime || !r.Has("go-runtime") || r.Has("nodelete") {
		t.Error(codes(r))
	}
}

func TestRulesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, rule := range rules {
		if seen[rule.code] || rule.why == "" || rule.remedy == "" || rule.subject == nil {
			t.Errorf("%s: repeated or incomplete", rule.code)
		}
		seen[rule.code] = true
	}
}

func TestSeverityText(t *testing.T) {
	for _, severity := range []Severity{Info, Warn} {
		text, err := severity.MarshalText()
		var back Severity
		if err != nil || back.UnmarshalText(text) != nil || back != severity {
			t.Errorf("%v: %s, %v, %v", severity, text, back, err)
		}
	}
	if new(Severity).UnmarshalText([]byte("worse")) == nil {
		t.Error("expected an error")
	}
}
