package state

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestArenaRefusals(t *testing.T) {
	tests := []struct {
		name   string
		size   uint64
		shards int
		want   string
	}{
		{"empty state", 0, 1, "state size is 0"},
		{"state above the bound", maxStateSize + 1, 1, "at most 1073741824"},
		{"size that overflows the stride", ^uint64(0), 1, "at most 1073741824"},
		{"no shards", 16, 0, "0 shards"},
		{"negative shards", 16, -1, "-1 shards"},
		{"too much in all", maxStateSize, 1025, "1 TiB"},
		{"shards that overflow", 64, int(^uint(0) >> 1), "1 TiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := NewArena(tt.size, tt.shards)
			if err == nil {
				_ = a.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
		})
	}
}

func TestArenaShape(t *testing.T) {
	for _, tt := range []struct {
		size   uint64
		shards int
		stride uintptr
	}{{1, 1, 64}, {16, 3, 64}, {64, 2, 64}, {65, 100, 128}, {5000, 7, 5056}, {maxStateSize, 1, maxStateSize}} {
		a, err := NewArena(tt.size, tt.shards)
		if err != nil {
			t.Fatal(err)
		}
		if a.Base()%uintptr(os.Getpagesize()) != 0 {
			t.Errorf("base %#x is not on a page", a.Base())
		}
		if a.Stride() != tt.stride || a.StateSize() != tt.size || a.Shards() != tt.shards {
			t.Errorf("stride %d, size %d, shards %d", a.Stride(), a.StateSize(), a.Shards())
		}
		if got := uint64(len(a.Bytes())); got != uint64(tt.shards)*uint64(tt.stride) {
			t.Errorf("%d bytes in all", got)
		}
		last := a.Shard(tt.shards - 1)
		if uint64(len(last)) != tt.size || uint64(cap(last)) != tt.size {
			t.Errorf("shard has length %d, capacity %d", len(last), cap(last))
		}
		if last[0] != 0 || last[tt.size-1] != 0 {
			t.Error("not zeroed")
		}
		last[tt.size-1] = 7
		if a.Bytes()[uintptr(tt.shards-1)*tt.stride+uintptr(tt.size)-1] != 7 {
			t.Error("shard and whole are not the same memory")
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	}
}

func TestShardOutsideTheArenaPanics(t *testing.T) {
	a, err := NewArena(16, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	for _, i := range []int{-1, 2} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for shard %d", i)
				}
			}()
			a.Shard(i)
		}()
	}
}

// Another process maps the file privately: it sees the state and its writes stay its own.
func TestPrivateMappingIsCopyOnWrite(t *testing.T) {
	a, err := NewArena(16, 300)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	a.Shard(299)[3] = 42

	fd := int(a.File().Fd())
	copied, err := unix.Mmap(fd, 0, len(a.Bytes()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(copied) }()
	at := 299*int(a.Stride()) + 3
	if copied[at] != 42 {
		t.Fatalf("the copy has %d", copied[at])
	}
	copied[at] = 1
	if a.Shard(299)[3] != 42 {
		t.Error("a write to the copy reached the arena")
	}
	if err := unix.Ftruncate(fd, 0); err == nil {
		t.Error("the file could be truncated")
	}
}

func TestGuardPages(t *testing.T) {
	a, err := NewArena(4096, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	end := a.Base() + uintptr(len(a.Bytes()))
	var before, after bool
	for _, m := range mappings(t) {
		if m.access != "---p" {
			continue
		}
		before = before || m.from < a.Base() && m.to == a.Base()
		after = after || m.from == end
	}
	if !before || !after {
		t.Errorf("guard page before: %v, after: %v", before, after)
	}
}

type mapping struct {
	from, to uintptr
	access   string
}

func mappings(t *testing.T) []mapping {
	t.Helper()
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Skip("no /proc on this machine")
	}
	defer func() { _ = f.Close() }()
	var all []mapping
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		from, to, _ := strings.Cut(words[0], "-")
		start, _ := strconv.ParseUint(from, 16, 64)
		end, _ := strconv.ParseUint(to, 16, 64)
		all = append(all, mapping{uintptr(start), uintptr(end), words[1]})
	}
	return all
}
