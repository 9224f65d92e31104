//go:build unix

package watch

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func mustLook(t *testing.T, d *disk, path string) (content, bool) {
	t.Helper()
	c, touched, err := d.look(path)
	if err != nil {
		t.Fatal(err)
	}
	return c, touched
}

func TestDiskContentDecides(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.c")
	write(t, path, "int a;")
	d := newDisk()
	first, touched := mustLook(t, d, path)
	if !first.exists || first.size != 6 || !touched {
		t.Fatalf("first look: %+v, touched %t; want 6 bytes, touched", first, touched)
	}
	if c, touched := mustLook(t, d, path); c != first || touched {
		t.Errorf("second look: changed %t, touched %t; want neither", c != first, touched)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if c, touched := mustLook(t, d, path); c != first || !touched {
		t.Errorf("after touch: changed %t, touched %t; want touched only", c != first, touched)
	}
	write(t, path, "int b;")
	if c, _ := mustLook(t, d, path); c == first {
		t.Error("after a write of the same size: not changed")
	}
}

func TestDiskSameStampOtherContent(t *testing.T) {
	// A young stamp proves nothing: the clock of the file system may not have moved between two writes.
	path := filepath.Join(t.TempDir(), "a.c")
	write(t, path, "int a;")
	young, err := examine(path, sighting{}, largeFile, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if young.trusted {
		t.Fatal("the stamp of a file changed just now is trusted")
	}
	lie := sighting{stamp: young.stamp}
	if again, err := examine(path, lie, largeFile, time.Hour); err != nil || again.content != young.content {
		t.Errorf("a stamp that is not trusted kept the file from being read: %+v, %v", again, err)
	}
	lie.trusted = true
	if again, err := examine(path, lie, largeFile, time.Hour); err != nil || again.content == young.content {
		t.Errorf("a trusted stamp did not keep the file from being read: %+v, %v", again, err)
	}
	if old, err := examine(path, sighting{}, largeFile, -time.Second); err != nil || !old.trusted {
		t.Errorf("an old stamp is not trusted: %+v, %v", old, err)
	}
}

func TestDiskNoRegularFileIsAbsent(t *testing.T) {
	dir := t.TempDir()
	file, fifo, loop := filepath.Join(dir, "file"), filepath.Join(dir, "fifo"), filepath.Join(dir, "loop")
	write(t, file, "")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	d := newDisk()
	for name, path := range map[string]string{
		"missing": filepath.Join(dir, "missing"), "below a file": filepath.Join(file, "x"), "directory": dir, "FIFO": fifo, "link loop": loop,
	} {
		t.Run(name, func(t *testing.T) {
			if c, touched := mustLook(t, d, path); c != absent || touched {
				t.Errorf("got %+v, touched %t; want absent, untouched", c, touched)
			}
		})
	}
}

func TestDiskLargeFilesBySizeAndTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "blob")
	write(t, path, "0123456789")
	d := newDisk()
	d.large = 9
	first, _ := mustLook(t, d, path)
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if c, _ := mustLook(t, d, path); c == first {
		t.Error("other modification time, same content: not changed")
	}
}

func TestDiskUnreadableIsNoChange(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read everything")
	}
	path := filepath.Join(t.TempDir(), "a.c")
	write(t, path, "int a;")
	d := newDisk()
	first, _ := mustLook(t, d, path)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.look(path); err == nil {
		t.Fatal("no error for a file that cannot be read")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, _ := mustLook(t, d, path); c != first {
		t.Error("readable again: changed")
	}
}

func BenchmarkDiskLook(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.c")
	write(b, path, string(make([]byte, 16<<10)))
	for name, racy := range map[string]time.Duration{"stat": -time.Second, "hash16KiB": time.Hour} {
		b.Run(name, func(b *testing.B) {
			d := newDisk()
			d.racy = racy
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := d.look(path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
