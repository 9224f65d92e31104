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
		th.Tick(tick, base, 64, 256, 0.5)
	}
	if n := *(*int32)(unsafe.Pointer(&mem[64*255])); n != 10 {
		t.Fatal(n)
	}
	if a := testing.AllocsPerRun(100, func() { th.Tick(tick, base, 64, 256, 0.5) }); a != 0 {
		t.Fatal(a)
	}
	r := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			th.Tick(tick, base, 64, 256, 0.5)
		}
	})
	r1 := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			th.Tick(tick, base, 64, 1, 0.5)
		}
	})
	t.Log(float64(r.NsPerOp())/256, r1.NsPerOp())
	th.Release()
	pinned, err := l.Close()
	if pinned || err != nil {
		t.Fatal(pinned, err)
	}
}
