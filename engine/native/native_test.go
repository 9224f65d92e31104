package native_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"hotreload/engine/native"

	"golang.org/x/sys/unix"
)

// init keeps the main thread, which never ends, for the main goroutine.
func init() { runtime.LockOSThread() }

// compile builds a library from testdata/calls.c, or from source when it is not empty, under a path of its own.
func compile(t testing.TB, source string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	file, err := filepath.Abs("testdata/calls.c")
	if err != nil {
		t.Fatal(err)
	}
	compiler := "cc"
	if source != "" {
		file = filepath.Join(dir, "plugin.c")
		if strings.Contains(source, "#include <string>") {
			compiler, file = "g++", filepath.Join(dir, "plugin.cpp")
		}
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lib := filepath.Join(dir, "plugin.so")
	args := append([]string{"-O1", "-g", "-fstack-clash-protection", "-shared", "-fPIC", "-o", lib, file}, flags...)
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", compiler, err, out)
	}
	return lib
}

func open(t testing.TB, path string) *native.Library {
	t.Helper()
	lib, err := native.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func symbol(t testing.TB, lib *native.Library, name string) uintptr {
	t.Helper()
	addr, err := lib.Symbol(name)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

const stride = 64

// state mirrors state_t in testdata/calls.c.
type state struct {
	ticks, pad int32
	time       float64
}

// states maps memory for n states outside the Go heap.
func states(t testing.TB, n int) (base uintptr, at func(int) *state) {
	t.Helper()
	mem, err := unix.Mmap(-1, 0, n*stride, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(mem) })
	return uintptr(unsafe.Pointer(&mem[0])), func(i int) *state { return (*state)(unsafe.Pointer(&mem[i*stride])) }
}

func TestOneCrossingRunsTheWholeBatch(t *testing.T) {
	lib := open(t, compile(t, ""))
	base, at := states(t, 256)
	thread := native.NewThread()
	defer thread.Release()
	if fault := thread.Tick(lib, symbol(t, lib, "tick"), base, stride, 256, 0.5); fault != nil {
		t.Fatal(fault)
	}
	if fault := thread.TickBatch(lib, symbol(t, lib, "tick_batch"), base, stride, 256, 0.25); fault != nil {
		t.Fatal(fault)
	}
	for i := range 256 {
		if s := at(i); s.ticks != 2 || s.time != 0.75 {
			t.Fatalf("state %d: %+v, want 2 ticks and 0.75 s", i, *s)
		}
	}
	if fault := thread.Seed(lib, symbol(t, lib, "seed"), base, 1<<63+5); fault != nil || *(*uint64)(unsafe.Pointer(at(0))) != 1<<63+5 {
		t.Fatal("the seed did not arrive", fault)
	}
	*(*uint64)(unsafe.Pointer(at(1))) = 1 << 40
	fault := thread.Migrate(lib, symbol(t, lib, "migrate"), base, base+stride, 3<<32, -7)
	if to := (*[2]uint64)(unsafe.Pointer(at(0))); fault != nil || to[0] != 1<<40+3<<32 || int64(to[1]) != -7 {
		t.Fatal("the arguments of migrate did not arrive", fault, to)
	}
	got, fault := thread.Get(lib, symbol(t, lib, "get"))
	if fault != nil || got == 0 {
		t.Fatal("get returned nothing", fault)
	}
	if _, err := lib.Image().Bytes(got, 4); err != nil {
		t.Fatal(err)
	}
}

func TestACallDoesNotAllocate(t *testing.T) {
	lib := open(t, compile(t, ""))
	base, _ := states(t, 1)
	thread := native.NewThread()
	defer thread.Release()
	tick := symbol(t, lib, "tick")
	if n := testing.AllocsPerRun(1000, func() { _ = thread.Tick(lib, tick, base, stride, 1, 0.1) }); n != 0 {
		t.Fatalf("%v allocations a call", n)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ path, want string }{
		"missing":          {filepath.Join(t.TempDir(), "none.so"), "cannot open shared object file"},
		"text":             {text, "file too short"},
		"undefined symbol": {compile(t, "void nope(void); void tick(void *s) { nope(); }"), "undefined symbol: nope"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := native.Open(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestASymbolOfADependencyIsNotThePlugins(t *testing.T) {
	lib := open(t, compile(t, "#include <stdlib.h>\nvoid *p(void) { return malloc(1); }"))
	if _, err := lib.Symbol("malloc"); err == nil {
		t.Fatal("malloc was taken for a function of the plugin")
	}
	if _, err := lib.Symbol("absent"); err == nil || !strings.Contains(err.Error(), "undefined symbol: absent") {
		t.Fatal(err)
	}
}

func TestCloseTellsWhetherTheLibraryHasGone(t *testing.T) {
	for name, tt := range map[string]struct {
		path   string
		pinned bool
	}{
		"plain":    {compile(t, ""), false},
		"nodelete": {compile(t, "", "-Wl,-z,nodelete"), true},
	} {
		t.Run(name, func(t *testing.T) {
			lib := open(t, tt.path)
			lib.Prefault()
			pinned, err := lib.Close()
			if err != nil || pinned != tt.pinned {
				t.Fatalf("pinned %v, error %v; want pinned %v", pinned, err, tt.pinned)
			}
		})
	}
}

func TestThreadLocalDestructorsLetGoWhenTheThreadEnds(t *testing.T) {
	if _, err := exec.LookPath("g++"); err != nil {
		t.Skip("no g++ on this machine")
	}
	native.Preload("libstdc++.so.6")
	lib := open(t, compile(t, `#include <string>
struct noisy { std::string s; ~noisy() {} };
thread_local noisy n;
extern "C" void touch(void *) { n.s += "x"; }`))
	touch := symbol(t, lib, "touch")
	id, ended := make(chan int), make(chan struct{})
	go func() { // ends locked, and its thread with it
		defer close(ended)
		thread := native.NewThread()
		if fault := thread.Each(lib, touch, 0, 0, 1); fault != nil {
			t.Error(fault)
		}
		id <- thread.ID()
		thread.Close()
	}()
	thread := <-id
	<-ended
	for !native.Exited(thread) {
		unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil) //nolint:errcheck // an early return only looks again
	}
	if pinned, err := lib.Close(); pinned || err != nil {
		t.Fatalf("pinned %v, error %v", pinned, err)
	}
}

func TestLocateNamesFunctionAndLine(t *testing.T) {
	lib := open(t, compile(t, ""))
	at := lib.Locate(symbol(t, lib, "tick_batch"))
	if !strings.HasPrefix(at, "tick_batch+0x0 (calls.c:") {
		t.Fatal(at)
	}
	if at := lib.Locate(0x10); at != "0x10, outside the library" {
		t.Fatal(at)
	}
}
