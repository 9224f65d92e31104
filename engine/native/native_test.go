package native

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestX(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "a.c")
	os.WriteFile(src, []byte(`typedef struct {int n; double t;} S; void tick(void*p,double dt){S*s=p; s->n++; s->t+=dt;}
void batch(void*b,unsigned long stride,unsigned long n,double dt){for(unsigned long i=0;i<n;i++)tick((char*)b+i*stride,dt);}`), 0o644)
	lib := filepath.Join(dir, "a.so")
	if out, err := exec.Command("cc", "-O2", "-shared", "-fPIC", "-o", lib, src).CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	l, err := Open(lib)
	if err != nil {
		t.Fatal(err)
	}
	l.Prefault()
	tick, err := l.Symbol("tick")
	if err != nil {
		t.Fatal(err)
	}
	mem, _ := unix.Mmap(-1, 0, 65536, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	base := uintptr(unsafe.Pointer(&mem[0]))
	th := NewThread()
	for range 10 {
		th.Tick(l, tick, base, 64, 256, 0.5)
	}
	if n := *(*int32)(unsafe.Pointer(&mem[64*255])); n != 10 {
		t.Fatal(n)
	}
	if a := testing.AllocsPerRun(100, func() { th.Tick(l, tick, base, 64, 256, 0.5) }); a != 0 {
		t.Fatal(a)
	}
	r := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			th.Tick(l, tick, base, 64, 256, 0.5)
		}
	})
	r1 := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			th.Tick(l, tick, base, 64, 1, 0.5)
		}
	})
	t.Log(float64(r.NsPerOp())/256, r1.NsPerOp())
	th.Release()
	pinned, err := l.Close()
	if pinned || err != nil {
		t.Fatal(pinned, err)
	}
}

func TestFault(t *testing.T) {
	if err := Contain(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	src := filepath.Join(dir, "b.c")
	os.WriteFile(src, []byte(`#include <stdlib.h>
#include <string.h>
volatile int zero;
void segv(void*p){ *(volatile int*)8 = 1; }
void noncanon(void*p){ *(volatile int*)0xdead000000000000 = 1; }
void fpe(void*p){ zero = 100/zero; }
void ill(void*p){ __builtin_trap(); }
void abrt(void*p){ abort(); }
void wild(void*p){ ((void(*)(void))0x1234)(); }
void null(void*p){ ((void(*)(void))0)(); }
void libc(void*p){ memcpy((void*)0x20, p, 4000+zero); }
int deep(volatile int n){ volatile char pad[3000]; pad[0]=n; return deep(n+1)+pad[0]; }
void overflow(void*p){ zero = 0; deep(0); }
void ok(void*p){ ++*(int*)p; }
`), 0o644)
	lib := filepath.Join(dir, "b.so")
	if out, err := exec.Command("cc", "-O1", "-fstack-clash-protection", "-shared", "-fPIC", "-o", lib, src).CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	l, err := Open(lib)
	if err != nil {
		t.Fatal(err)
	}
	mem, _ := unix.Mmap(-1, 0, 65536, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	base := uintptr(unsafe.Pointer(&mem[0]))
	th := NewThread()
	defer th.Release()
	okfn, _ := l.Symbol("ok")
	for _, name := range []string{"segv", "noncanon", "fpe", "ill", "abrt", "wild", "null", "libc", "overflow"} {
		fn, err := l.Symbol(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			f := th.Each(l, fn, base, 64, 3)
			if f == nil {
				t.Fatal(name)
			}
			if f2 := th.Each(l, okfn, base, 64, 3); f2 != nil {
				t.Fatal(f2)
			}
			func() {
				defer func() {
					if recover() == nil {
						t.Fatal("no panic")
					}
				}()
				var p *int
				*p = 1
			}()
		}
		t.Log(name, th.Each(l, fn, base, 64, 3), th.rec.fault())
	}
	if *(*int32)(unsafe.Pointer(&mem[0])) != 9000 {
		t.Fatal("count")
	}
}
