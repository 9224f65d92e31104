package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// position is the layout of the states in these tests.
func position(t testing.TB) *Layout {
	t.Helper()
	l, err := FromTable(24, []Entry{
		{Name: "x", Type: uint32(F64), Offset: 0, Count: 1}, {Name: "y", Type: uint32(F64), Offset: 8, Count: 1},
		{Name: "hits", Type: uint32(I32), Offset: 16, Count: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func headerOf(t testing.TB, shards int) Header {
	l := position(t)
	return Header{
		StateSize: l.Size, Shards: shards, Seed: 7, DT: 0.1, Layout: l, Artifact: [32]byte{1, 2, 3}, Generation: 4, Tick: 5, PID: 6,
	}
}

// create makes a state file with so many shards and returns its path; it is not open any more.
func create(t testing.TB, shards int, use func(*File)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
	f, err := CreateFile(path, headerOf(t, shards))
	if err != nil {
		t.Fatal(err)
	}
	if use != nil {
		use(f)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// refuse checks that the file is refused with these words and left as it is.
func refuse(t *testing.T, path string, words ...string) {
	t.Helper()
	before := read(t, path)
	f, err := OpenFile(path)
	if err == nil {
		_ = f.Close()
		t.Fatal("accepted")
	}
	var refusal *FileError
	if !errors.As(err, &refusal) || refusal.Path != path {
		t.Errorf("expected a *FileError about %s, got %T: %v", path, err, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("the file has changed")
	}
}

func TestFileGoesOn(t *testing.T) {
	path := create(t, 3, func(f *File) {
		for i := range 3 {
			f.Arena().Shard(i)[0] = byte(10 + i)
			f.Arena().UndoLog().Settle(i)
			f.Arena().UndoLog().Complete(i, i+1, uint64(100+i))
		}
	})
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	h, want := f.Header(), headerOf(t, 3)
	if len(h.Mismatch(want.Layout)) != 0 || h.Layout.String() != want.Layout.String() {
		t.Errorf("layout\n%v, expected\n%v", h.Layout, want.Layout)
	}
	h.Layout, want.Layout, h.layoutHash = nil, nil, [32]byte{}
	if h != want || f.Damage() != nil {
		t.Errorf("header %+v, damage %v, expected %+v", h, f.Damage(), want)
	}
	for i := range 3 {
		if b, ticks := f.Arena().Shard(i)[0], f.Arena().UndoLog().Ticks(i); b != byte(10+i) || ticks != uint64(100+i) {
			t.Errorf("shard %d: %d after %d ticks", i, b, ticks)
		}
	}
	if least, most := f.Arena().UndoLog().Span(0, 3); least != 100 || most != 102 {
		t.Errorf("from %d to %d ticks", least, most)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left in the directory: %v %v", entries, err)
	}
}

// A file is one that its process has left at any moment of a change: the bytes are those from before it, until it is
// complete.
func TestRecover(t *testing.T) {
	path := create(t, 5, func(f *File) {
		a, j := f.Arena(), f.Arena().UndoLog()
		for i := range 4 {
			a.Shard(i)[0] = 1
			j.Settle(i)
		}
		j.Complete(0, 5, 9)
		// 0: between two ticks. 1: in the middle of one. 2: behind its end. 3: in a hook, inside of which another keeps
		// nothing. 4: in init.
		j.Keep(1, 3, 9)
		a.Shard(1)[0], a.Shard(2)[0] = 2, 2
		j.Complete(2, 3, 10)
		if !j.Open(3) || j.Open(3) || j.Open(4) {
			t.Error("expected to open shard 3 once, and an unborn one never")
		}
		a.Shard(3)[0], a.Shard(4)[0] = 2, 2
	})
	for _, undone := range []int{2, 0} { // the second time there is nothing to do
		f, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		a, j := f.Arena(), f.Arena().UndoLog()
		if n := j.Recover(); n != undone {
			t.Errorf("%d shards were open, expected %d", n, undone)
		}
		for i, want := range []struct {
			value byte
			ticks uint64
			born  bool
		}{{1, 9, true}, {1, 9, true}, {2, 10, true}, {1, 9, true}, {0, 9, false}} {
			if a.Shard(i)[0] != want.value || j.Ticks(i) != want.ticks || j.Born(i) != want.born {
				t.Errorf("shard %d: %d after %d ticks, born %v; expected %+v", i, a.Shard(i)[0], j.Ticks(i), j.Born(i), want)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFileCutAtEveryLength(t *testing.T) {
	t.Parallel()
	whole := read(t, create(t, 2, nil))
	path := filepath.Join(t.TempDir(), "cut")
	h := headerOf(t, 2)
	header := len(h.encode(magicFile, 1))
	var lengths []int // every one at which something begins or ends, and many between
	for n := 0; n <= header; n++ {
		lengths = append(lengths, n, maxHeader+n)
	}
	for n := 0; n < len(whole); n += 1013 {
		lengths = append(lengths, n)
	}
	lengths = append(lengths, len(whole)-1)
	for _, n := range lengths {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		refuse(t, path)
	}
	if err := os.WriteFile(path, append(whole, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	refuse(t, path, "something was added")
}

// Each byte of each copy of the header may be damaged, and the other copy counts; of both, and the file is refused.
func TestEveryByteOfTheHeaderDamaged(t *testing.T) {
	t.Parallel()
	whole := read(t, create(t, 2, nil))
	path := filepath.Join(t.TempDir(), "damaged")
	h := headerOf(t, 2)
	for at := range len(h.encode(magicFile, 1)) {
		for copies := 1; copies <= 3; copies++ {
			content := bytes.Clone(whole)
			for i := range 2 {
				if copies&(1<<i) != 0 {
					content[i*maxHeader+at] ^= 0x40
				}
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if copies == 3 {
				refuse(t, path)
				continue
			}
			f, err := OpenFile(path)
			if err != nil {
				t.Fatalf("byte %d of copy %d: %v", at, copies, err)
			}
			if f.Damage() == nil || f.Header().Generation != 4 {
				t.Errorf("byte %d of copy %d: damage %v, header %+v", at, copies, f.Damage(), f.Header())
			}
			_ = f.Close()
		}
	}
}

// A header that is torn while it is written leaves the one before it.
func TestTornHeader(t *testing.T) {
	t.Parallel()
	path := create(t, 1, func(f *File) {
		h := f.Header()
		h.Generation = 5
		if err := f.Write(h); err != nil {
			t.Fatal(err)
		}
	})
	before, after := headerOf(t, 1), headerOf(t, 1)
	before.Generation, after.Generation = 5, 6
	written := after.encode(magicFile, 4)
	content := read(t, path)
	for n := range len(written) {
		torn := bytes.Clone(content)
		copy(torn, written[:n])
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := OpenFile(path)
		if err != nil {
			t.Fatalf("torn after %d bytes: %v", n, err)
		}
		if g := f.Header().Generation; g != 5 {
			t.Fatalf("torn after %d bytes: generation %d", n, g)
		}
		_ = f.Close()
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	directory := t.TempDir()
	put := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := read(t, create(t, 2, nil))
	changed := func(change func(*Header)) []byte {
		h := headerOf(t, 2)
		change(&h)
		content := bytes.Clone(whole)
		for i := range 2 {
			clear(content[i*maxHeader : (i+1)*maxHeader])
			copy(content[i*maxHeader:], h.encode(magicFile, 9))
		}
		return content
	}
	var snapshot bytes.Buffer
	if _, err := NewSnapshot(headerOf(t, 2)).WriteTo(&snapshot); err != nil {
		t.Fatal(err)
	}
	version := bytes.Clone(whole)
	version[8], version[maxHeader+8] = 2, 2
	entry := bytes.Clone(whole)
	entry[2*filePart] = phases
	far := bytes.Clone(whole)
	far[2*filePart+7] = 0xff
	huge := changed(func(h *Header) { h.Shards = math.MaxInt32 })
	sealed := create(t, 2, func(f *File) {
		if err := f.Seal(f.Header()); err != nil {
			t.Fatal(err)
		}
	})
	flipped := read(t, sealed)
	flipped[partsOf(24, 2).shards+64+23] ^= 1 // the last byte of the last shard
	for _, c := range []struct{ name, path, reason string }{
		{"a library", put([]byte("\x7fELF" + strings.Repeat("x", len(whole)))), "begins with something else"},
		{"an empty file", put(nil), "begins with something else"},
		{"zeros", put(make([]byte, len(whole))), "begins with something else"},
		{"a snapshot", put(snapshot.Bytes()), "begins with something else"},
		{"another version", put(version), "is of version 2, expected 1"},
		{"an entry in no phase", put(entry), "the record of shard 0 is damaged"},
		{"an entry of a tick that cannot be", put(far), "the record of shard 0 is damaged"},
		{"more shards than bytes", put(huge), "it was cut"},
		{"a shard that has changed since the end", put(flipped), "the shards are damaged"},
	} {
		t.Run(c.name, func(t *testing.T) { refuse(t, c.path, c.reason) })
	}
	if _, err := OpenFile(directory); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
	fifo := filepath.Join(directory, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(fifo); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := OpenFile(filepath.Join(directory, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if f, err := OpenFile(sealed); err != nil || !f.Header().Clean {
		t.Errorf("a sealed file: %v", err)
	} else {
		_ = f.Close()
	}
}

func TestFileIsCreatedOnce(t *testing.T) {
	path := create(t, 1, nil)
	before := read(t, path)
	if _, err := CreateFile(path, headerOf(t, 1)); err == nil || !strings.Contains(err.Error(), "start again") {
		t.Errorf("made a file in the place of another: %v", err)
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("the file has changed")
	}
	if _, err := CreateFile(filepath.Join(path, "state"), headerOf(t, 1)); err == nil {
		t.Error("made a file in a file")
	}
}

func TestFileHasOneOwner(t *testing.T) {
	path := create(t, 1, nil)
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, path, "is in use by process 6")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f, err = OpenFile(path); err != nil {
		t.Fatalf("after the first owner: %v", err)
	}
	_ = f.Close()
}

// A disk that is full is an error when the file is made, and leaves nothing.
func TestFileOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("needs the right to mount a small file system: %v %s", err, out)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	_, err := CreateFile(filepath.Join(dir, "state"), headerOf(t, 1<<15))
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "reserve") {
		t.Errorf("expected an error about the space, got %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v %v", entries, err)
	}
	f, err := CreateFile(filepath.Join(dir, "state"), headerOf(t, 16))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rest"), make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("expected a full disk, got %v", err)
	}
	for i := range f.Arena().Bytes() { // its space is there
		f.Arena().Bytes()[i] = 1
	}
	f.Arena().UndoLog().Keep(0, 16, 1)
	if err := f.Seal(f.Header()); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// What cannot be reserved is written.
func TestWriteZeros(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "zeros"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	const size = 2<<20 + 5
	if err := writeZeros(file, size); err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil || stat.Size != size || stat.Blocks*512 < size {
		t.Errorf("size %d, %d bytes taken, %v", stat.Size, stat.Blocks*512, err)
	}
}

// A layout too long for the header is compared by its hash.
func TestLayoutTooLongForAHeader(t *testing.T) {
	layout := func(name string) *Layout {
		var entries []Entry
		for i := range 2000 {
			entries = append(entries, Entry{Name: fmt.Sprintf("%s%040d", name, i), Type: uint32(I32), Offset: uint32(4 * i), Count: 1})
		}
		l, err := FromTable(8000, entries)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := layout("a")
	h, _, err := decodeHeader((&Header{StateSize: 8000, Shards: 1, Layout: l}).encode(magicFile, 1), magicFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := h.Mismatch(l); len(diff) > 0 {
		t.Errorf("differs from itself: %v", diff)
	}
	if diff := h.Mismatch(layout("b")); len(diff) == 0 {
		t.Error("another layout is taken for the same")
	}
	if diff := h.Mismatch(SizeOnly(8000)); len(diff) > 0 {
		t.Errorf("a size alone differs: %v", diff)
	}
	if diff := h.Mismatch(SizeOnly(8004)); len(diff) == 0 {
		t.Error("another size is taken for the same")
	}
}

func TestMismatchNamesFields(t *testing.T) {
	h := headerOf(t, 1)
	other, err := FromTable(24, []Entry{
		{Name: "x", Type: uint32(F32), Offset: 0, Count: 1}, {Name: "y", Type: uint32(F64), Offset: 8, Count: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range h.Mismatch(other) {
		names = append(names, d.Name+" "+d.Change.String())
	}
	if !slices.Equal(names, []string{"x retyped", "hits removed"}) {
		t.Errorf("differences %q", names)
	}
}

// FuzzHeader: whatever the bytes, decoding ends with an error or with a header that is written and read again alike.
func FuzzHeader(f *testing.F) {
	h := headerOf(f, 3)
	whole := h.encode(magicFile, 1)
	f.Add(whole, false)
	f.Add(whole[:20], false)
	f.Add(whole, true)
	f.Add([]byte(magicFile), false)
	f.Fuzz(func(t *testing.T, b []byte, mend bool) {
		if mend { // the checksum would keep the fuzzer out
			b = mended(b)
		}
		h, sequence, err := decodeHeader(b, magicFile)
		if err != nil {
			return
		}
		again, n, err := decodeHeader(h.encode(magicFile, sequence), magicFile)
		if err != nil || n != sequence || again.Layout.Hash() != h.Layout.Hash() {
			t.Fatalf("%+v becomes %+v: %v", h, again, err)
		}
		_ = h.Mismatch(position(t))
		_ = h.Layout.String()
	})
}

// mended gives what may be a header the length, hash and checksum that it should have.
func mended(b []byte) []byte {
	fixed := binary.Size(encodedHeader{})
	if len(b) < fixed+checksumSize || len(b) > maxHeader {
		return b
	}
	b = bytes.Clone(b)
	copy(b, magicFile)
	layout := b[fixed : len(b)-checksumSize]
	binary.LittleEndian.PutUint32(b[8:], headerVersion)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(b)))
	binary.LittleEndian.PutUint32(b[fixed-4:], uint32(len(layout)))
	if l, err := decodeLayout(layout); err == nil {
		hash := l.Hash()
		copy(b[fixed-4-len(hash):], hash[:])
	}
	binary.LittleEndian.PutUint32(b[len(b)-checksumSize:], crc32.Checksum(b[:len(b)-checksumSize], castagnoli))
	return b
}

// TestSweep: what a killed process has left goes, what somebody has, or is something else, stays.
func TestSweep(t *testing.T) {
	path := create(t, 1, nil)
	dir := filepath.Dir(path)
	put := func(name string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("unfinished"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put(".state.123")
	put(".state.123.7")
	kept := []string{put(".state.swp"), put(".other.123"), put("state.123")}
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	beside, err := CreateBeside(path, headerOf(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	f.Sweep()
	var left []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, filepath.Join(dir, e.Name()))
	}
	want := append(kept, path, beside.hidden)
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left are %q, expected %q", left, want)
	}
	_, _ = f.Close(), beside.Close()
}

// FuzzSnapshot: whatever the bytes, reading a snapshot ends with an error or with one that is written alike.
func FuzzSnapshot(f *testing.F) {
	var whole bytes.Buffer
	s := NewSnapshot(headerOf(f, 2))
	s.Take(1, make([]byte, 24))
	if _, err := s.WriteTo(&whole); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:30])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, checked := CheckSnapshot(bytes.NewReader(b))
		s, err := ReadSnapshot(bytes.NewReader(b), func(h *Header) error {
			if h.StateSize*uint64(h.Shards) > 1<<20 {
				return errors.New("too large for a test")
			}
			return nil
		})
		if err != nil {
			return
		}
		var again bytes.Buffer
		if _, err := s.WriteTo(&again); err != nil || checked != nil || s.Size() != int64(len(b)) {
			t.Fatalf("%v, %v: %d bytes of %d", err, checked, s.Size(), len(b))
		}
	})
}
