package artifact

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"golang.org/x/sync/errgroup"
)

func openStore(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "run", "store"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func files(t testing.TB, s *Store) []string {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.Name() != "lock" {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestTake(t *testing.T) {
	s := openStore(t)
	lib := compileC(t, plainC)
	content := readFile(t, lib)
	a, err := s.Take(t.Context(), lib)
	if err != nil {
		t.Fatal(err)
	}
	if a.Hash != Hash(sha256.Sum256(content)) || a.Name != "logic.so" || a.Size != int64(len(content)) || a.Report.Entry.Size == 0 {
		t.Errorf("%+v", a)
	}
	if !bytes.Equal(readFile(t, a.Path), content) {
		t.Error("the copy differs")
	}
	if len(a.Hash.String()) != 64 || a.Hash.Short() != a.Hash.String()[:8] {
		t.Errorf("hash %s, %s", a.Hash, a.Hash.Short())
	}
	again, err := s.Take(t.Context(), lib)
	if err != nil || again != a {
		t.Errorf("expected the same artifact, got %p and %p, %v", a, again, err)
	}
	if got, ok := s.Get(a.Hash); !ok || got != a || len(s.Artifacts()) != 1 {
		t.Errorf("%v", s.Artifacts())
	}
	s.Forget(a.Hash)
	if _, ok := s.Get(a.Hash); ok || len(files(t, s)) != 0 {
		t.Errorf("left: %v", files(t, s))
	}
}

func TestArtifactsAreInOrderOfArrival(t *testing.T) {
	s := openStore(t)
	for _, source := range []string{"int a;", "int b;", "int c;"} {
		if _, err := s.Take(t.Context(), compileC(t, plainC+source)); err != nil {
			t.Fatal(err)
		}
	}
	all := s.Artifacts()
	for i, a := range all {
		if a.order != uint64(i+1) {
			t.Errorf("artifact %d is number %d", i, a.order)
		}
	}
}

func TestRefusedFilesLeaveNothing(t *testing.T) {
	s := openStore(t)
	path := filepath.Join(t.TempDir(), "x.so")
	writeFile(t, path, "not a library")
	for name, take := range map[string]func() error{
		"Take":            func() error { _, err := s.Take(t.Context(), path); return err },
		"Take, missing":   func() error { _, err := s.Take(t.Context(), path+".none"); return err },
		"Put":             func() error { _, err := s.Put("x.so", strings.NewReader("not a library"), 0); return err },
		"Put, empty":      func() error { _, err := s.Put("x.so", strings.NewReader(""), 0); return err },
		"Put, over limit": func() error { _, err := s.Put("x.so", strings.NewReader("not a library"), 5); return err },
	} {
		refusal := refusalOf(t, take())
		if strings.Contains(refusal.Error(), s.dir) || len(files(t, s)) != 0 {
			t.Errorf("%s: %v; left %v", name, refusal, files(t, s))
		}
	}
	if _, err := s.Put("x.so", iotest.ErrReader(io.ErrUnexpectedEOF), 0); !errors.Is(err, io.ErrUnexpectedEOF) || len(files(t, s)) != 0 {
		t.Errorf("%v; left %v", err, files(t, s))
	}
}

func TestPutMakesNamesSafe(t *testing.T) {
	s := openStore(t)
	a, err := s.Put("../../evil dir/ü\n.so", bytes.NewReader(readFile(t, compileC(t, plainC))), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if a.Name != "__.so" || filepath.Dir(a.Path) != s.dir {
		t.Errorf("%q, %q", a.Name, a.Path)
	}
	for name, want := range map[string]string{
		"": "plugin.so", "/": "plugin.so", "..": "plugin.so", "-rf": "rf", "lib+x-1.so": "lib+x-1.so",
		strings.Repeat("x", 300): strings.Repeat("x", maxName),
	} {
		if got := safeName(name); got != want {
			t.Errorf("%q: expected %q, got %q", name, want, got)
		}
	}
}

// TestTakeSeesOnlyStatesOfTheFile: while a writer overwrites the file in place and from time to time replaces it, every
// artifact is a state which the file has been in: one version, or the beginning of the next and the rest of the one
// before, where the writer had come to. With versions 0, 1, 2 in turn, a copy torn by the writer has it the wrong way
// round.
func TestTakeSeesOnlyStatesOfTheFile(t *testing.T) {
	s := openStore(t)
	content := readFile(t, compileC(t, plainC+"__attribute__((used)) static char pad[400000] = { [0 ... 399999] = 'p' };", "-Wl,--build-id=none"))
	start := bytes.Index(content, bytes.Repeat([]byte("p"), 400000))
	if start < 0 {
		t.Fatal("no padding in the library")
	}
	var versions [3][]byte
	for i := range versions {
		versions[i] = append(append(bytes.Clone(content[:start]), bytes.Repeat([]byte{byte(i)}, 400000)...), content[start+400000:]...)
	}
	lib := filepath.Join(t.TempDir(), "logic.so")
	writeFile(t, lib, string(versions[0]))
	ctx, cancel := context.WithCancel(t.Context())
	var group errgroup.Group
	group.Go(func() error {
		for i := 1; ctx.Err() == nil; i++ {
			if err := overwrite(lib, versions[i%3], i%16 == 0); err != nil {
				return err
			}
		}
		return nil
	})
	taken, unstable := 0, 0
	for range 120 {
		a, err := s.takeOnce(ctx, lib)
		if errors.Is(err, errUnstable) {
			unstable++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		taken++
		pad := readFile(t, a.Path)[start:][:400000]
		rest := bytes.TrimLeft(pad, string(pad[:1]))
		if len(rest) > 0 && (pad[0] != (rest[0]+1)%3 || len(bytes.TrimLeft(rest, string(rest[:1]))) > 0) {
			t.Errorf("took version %d, and version %d from byte %d on", pad[0], rest[0], len(pad)-len(rest))
		}
		s.Forget(a.Hash)
	}
	cancel()
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d taken, %d unstable", taken, unstable)
	if a, err := s.Take(t.Context(), lib); err != nil || a.Size != int64(len(content)) {
		t.Errorf("once it is quiet: %+v, %v", a, err)
	}
}

// overwrite writes the content to path piece by piece, or replaces the file.
func overwrite(path string, content []byte, replace bool) error {
	if replace {
		if err := os.WriteFile(path+".tmp", content, 0o600); err != nil {
			return err
		}
		return os.Rename(path+".tmp", path)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	const piece = 40000
	for at := 0; at < len(content) && err == nil; at += piece {
		_, err = file.WriteAt(content[at:min(at+piece, len(content))], int64(at))
	}
	return errors.Join(err, file.Close())
}

func TestTakeOfAFileThatKeepsChangingStopsWithTheContext(t *testing.T) {
	s := openStore(t)
	lib := compileC(t, plainC)
	cause := errors.New("newer change")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := s.Take(ctx, lib); !errors.Is(err, cause) {
		t.Errorf("expected the cause, got %v", err)
	}
}

func TestShadow(t *testing.T) {
	s := openStore(t)
	a, err := s.Take(t.Context(), compileC(t, plainC))
	if err != nil {
		t.Fatal(err)
	}
	path, err := s.Shadow(a, 7)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(s.dir, "logic.gen000007."+a.Hash.Short()+".so"); path != want {
		t.Errorf("expected %s, got %s", want, path)
	}
	if !bytes.Equal(readFile(t, path), readFile(t, a.Path)) {
		t.Error("the shadow differs")
	}
	other, err := s.Shadow(a, 8)
	if err != nil {
		t.Fatal(err)
	}
	inodes := map[uint64]bool{}
	for _, p := range []string{a.Path, path, other} {
		var stat syscall.Stat_t
		if err := syscall.Stat(p, &stat); err != nil {
			t.Fatal(err)
		}
		inodes[stat.Ino] = true
	}
	if len(inodes) != 3 {
		t.Errorf("expected three inodes, got %v", inodes)
	}
	if _, err := s.Shadow(a, 7); !errors.Is(err, os.ErrExist) {
		t.Errorf("expected %v, got %v", os.ErrExist, err)
	}
	s.Release(path)
	s.Release(a.Path) // no shadow: ignored
	s.Release(path)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Release: %v", err)
	}
	if _, err := os.Stat(a.Path); err != nil {
		t.Error(err)
	}
	s.Forget(a.Hash)
	if _, err := os.Stat(other); err != nil {
		t.Errorf("a shadow outlives its artifact: %v", err)
	}
	if _, err := s.Shadow(a, 9); err == nil || len(files(t, s)) != 1 {
		t.Errorf("shadow of a forgotten artifact: %v; %v", err, files(t, s))
	}
}

func TestCloseKeepsWhatIsMappedAndOpenRemovesIt(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Take(t.Context(), compileC(t, plainC))
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := s.Shadow(a, 1)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "users.so"), "not the store's")
	writeFile(t, filepath.Join(dir, "incoming.123"), "half a library")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(mapped); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(a.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the artifact stayed: %v", err)
	}
	if _, err := s.Put("x.so", bytes.NewReader(readFile(t, mapped)), 0); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := s.Shadow(a, 2); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
	next, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.Close() }()
	if got := files(t, next); len(got) != 1 || got[0] != "users.so" {
		t.Errorf("left: %v", got)
	}
}

func TestOpenIsExclusiveAndPrivate(t *testing.T) {
	s := openStore(t)
	if _, err := Open(s.dir); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("second Open: %v", err)
	}
	info, err := os.Stat(s.dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := Open("/proc/self/exe"); err == nil {
		t.Error("expected an error for a file")
	}
	if os.Geteuid() == 0 {
		foreign := t.TempDir()
		if err := os.Chown(foreign, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(foreign); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
			t.Errorf("directory of another user: %v", err)
		}
	}
}

func TestStoreIsSafeForConcurrentUse(t *testing.T) {
	s := openStore(t)
	content := readFile(t, compileC(t, plainC))
	var group errgroup.Group
	for i := range 8 {
		group.Go(func() error {
			for j := range 20 {
				a, err := s.Put("x.so", bytes.NewReader(content), 0)
				if err != nil {
					return err
				}
				path, err := s.Shadow(a, uint64(i*100+j))
				if err != nil {
					return err
				}
				s.Artifacts()
				s.Release(path)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if len(files(t, s)) != 1 {
		t.Errorf("left: %v", files(t, s))
	}
}

func BenchmarkTake(b *testing.B) {
	s := openStore(b)
	lib := compileC(b, plainC)
	for b.Loop() {
		a, err := s.Take(b.Context(), lib)
		if err != nil {
			b.Fatal(err)
		}
		s.Forget(a.Hash)
	}
}

func BenchmarkShadow(b *testing.B) {
	s := openStore(b)
	a, err := s.Take(b.Context(), compileC(b, plainC))
	if err != nil {
		b.Fatal(err)
	}
	generation := uint64(0)
	for b.Loop() {
		generation++
		path, err := s.Shadow(a, generation)
		if err != nil {
			b.Fatal(err)
		}
		s.Release(path)
	}
}
