package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sync/errgroup"
)

// TestScript runs the scripts in testdata, each on a real directory in both modes. A script says what is done to the disk
// and what the settled batches must name:
//
//	watch [-x PATTERN] PATH...  start; -x excludes what the pattern matches, relative to the directory
//	expect PATH...              exactly these have changed since the last expect; nothing if none is named
//	write FILE TEXT             in place; append FILE TEXT; truncate FILE
//	replace FILE TEXT           write a temporary file and rename it
//	vim FILE TEXT               as vim saves: 4913, rename to FILE~, create, remove FILE~
//	mv, rm, mkdir, touch        as the shell's, rm and mkdir recursive
//	link TARGET NAME            ln -sfn: replaces a link in one step
//	hold DIR                    keep the directory open until the end
//	storm DIR N TEXT            write N files
//	add FILE...                 Watcher.Add
//
// The files of the archive are there before the watch starts. What the unsettled batches are, and how bursts are cut,
// depends on the machine's load here; the tests of session and tracker are about that.
func TestScript(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts in testdata: %v", err)
	}
	for _, path := range scripts {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range []Mode{Inotify, Poll} {
			name := strings.TrimSuffix(filepath.Base(path), ".txtar") + "/" + string(mode)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newScript(t, mode, archive.Files)
				defer s.stop()
				for number, line := range strings.Split(string(archive.Comment), "\n") {
					words := strings.Fields(line)
					if len(words) == 0 || words[0] == "#" {
						continue
					}
					s.line = fmt.Sprintf("%s:%d: %s", path, number+1, line)
					if err := s.do(words[0], words[1:]); err != nil {
						t.Fatalf("%s: %v", s.line, err)
					}
				}
				s.line = path + ": at the end"
				if err := s.expect(nil); err != nil {
					t.Fatalf("%s: %v", s.line, err)
				}
			})
		}
	}
}

// script is a running script. Its sentinel is a watched file outside of its directory: once a write to it is reported, so
// is everything that was done before.
type script struct {
	t        *testing.T
	mode     Mode
	dir      string
	sentinel string
	line     string
	held     []*os.File

	watcher *Watcher
	seq     uint64
	writes  int
	seen    map[string]struct{} // reported in settled batches since the last expect
	cancel  context.CancelFunc
	group   errgroup.Group
}

func newScript(t *testing.T, mode Mode, files []txtar.File) *script {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, mode: mode, dir: filepath.Join(base, "work"), seen: make(map[string]struct{})}
	if err := os.MkdirAll(filepath.Join(base, "other"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.sentinel = filepath.Join(base, "other", "sentinel")
	write(t, s.sentinel, "0")
	for _, file := range files {
		path := filepath.Join(s.dir, file.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path, string(file.Data))
	}
	return s
}

func (s *script) stop() {
	for _, file := range s.held {
		if err := file.Close(); err != nil {
			s.t.Error(err)
		}
	}
	if s.watcher == nil {
		return
	}
	s.cancel()
	if err := s.group.Wait(); err != nil {
		s.t.Error(err)
	}
}

func (s *script) do(verb string, args []string) error {
	if verb == "expect" {
		return s.expect(args)
	}
	var exclude string
	if len(args) > 1 && args[0] == "-x" {
		exclude, args = filepath.Join(s.dir, args[1]), args[2:]
	}
	text := ""
	switch verb {
	case "write", "append", "replace", "vim":
		text, args = strings.Join(args[1:], " ")+"\n", args[:1]
	case "storm":
		text, args = strings.Join(args[2:], " ")+"\n", args[:2]
	}
	paths := make([]string, len(args))
	for i, arg := range args {
		paths[i] = filepath.Join(s.dir, arg)
	}
	switch verb {
	case "watch":
		return s.watch(exclude, paths)
	case "add":
		return s.watcher.Add(paths...)
	case "write":
		return os.WriteFile(paths[0], []byte(text), 0o600)
	case "append":
		file, err := os.OpenFile(paths[0], os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = file.WriteString(text)
		return errors.Join(err, file.Close())
	case "truncate":
		return os.Truncate(paths[0], 0)
	case "replace":
		temporary := filepath.Join(filepath.Dir(paths[0]), ".goutputstream-XYZ")
		return errors.Join(os.WriteFile(temporary, []byte(text), 0o600), os.Rename(temporary, paths[0]))
	case "vim":
		probe := filepath.Join(filepath.Dir(paths[0]), "4913")
		return errors.Join(
			os.WriteFile(probe, nil, 0o600), os.Remove(probe),
			os.Rename(paths[0], paths[0]+"~"), os.WriteFile(paths[0], []byte(text), 0o600), os.Remove(paths[0]+"~"))
	case "mv":
		return os.Rename(paths[0], paths[1])
	case "rm":
		return os.RemoveAll(paths[0])
	case "mkdir":
		return os.MkdirAll(paths[0], 0o700)
	case "touch":
		return errors.Join(os.Chtimes(paths[0], time.Time{}, time.Now().Add(time.Hour)), os.Chmod(paths[0], 0o640))
	case "link":
		target := args[0]
		return errors.Join(os.Symlink(target, paths[1]+".tmp"), os.Rename(paths[1]+".tmp", paths[1]))
	case "hold":
		file, err := os.Open(paths[0])
		s.held = append(s.held, file)
		return err
	case "storm":
		count, err := strconv.Atoi(args[1])
		for i := range count {
			err = errors.Join(err, os.WriteFile(filepath.Join(paths[0], fmt.Sprintf("f%03d.c", i)), []byte(text), 0o600))
		}
		return err
	}
	return fmt.Errorf("unknown command %q", verb)
}

func (s *script) watch(exclude string, paths []string) error {
	watcher, err := New(Config{
		Paths:    append(paths, s.sentinel),
		Mode:     s.mode,
		Interval: 10 * time.Millisecond,
		Debounce: 5 * time.Millisecond,
		Exclude: func(path string) bool {
			matched, err := filepath.Match(exclude, path)
			return matched && err == nil
		},
	})
	if err != nil {
		return err
	}
	watcher.sweep = 50 * time.Millisecond
	s.watcher = watcher
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.group.Go(func() error { return watcher.Run(ctx) })
	return s.flush(time.Now().Add(10 * time.Second)) // the first batch comes after everything is watched
}

// expect waits until all paths have been reported and then for one more write of the sentinel, so that what is reported
// beyond them fails this expect rather than the next.
func (s *script) expect(paths []string) error {
	want := expand(paths)
	deadline := time.Now().Add(20 * time.Second)
	for {
		if err := s.flush(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		got := slices.Sorted(maps.Keys(s.seen))
		if slices.Equal(got, want) {
			break
		}
		for _, path := range got {
			if !slices.Contains(want, path) {
				return fmt.Errorf("reported %v, want %v", got, want)
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("reported %v until the deadline, want %v", got, want)
		}
	}
	clear(s.seen)
	if err := s.flush(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	for path := range s.seen {
		if !slices.Contains(want, path) {
			return fmt.Errorf("reported also %s, want %v", path, want)
		}
	}
	clear(s.seen)
	return nil
}

// flush writes the sentinel and gathers batches until that is reported.
func (s *script) flush(deadline time.Time) error {
	s.writes++
	if err := os.WriteFile(s.sentinel, []byte(strconv.Itoa(s.writes)), 0o600); err != nil {
		return err
	}
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	for {
		select {
		case <-timeout.C:
			return errors.New("the sentinel was not reported")
		case batch, ok := <-s.watcher.Batches():
			if !ok {
				return errors.New("the watcher has ended")
			}
			if s.seq++; batch.Seq != s.seq || !slices.IsSorted(batch.Paths) {
				return fmt.Errorf("got batch %+v, want Seq %d and sorted paths", batch, s.seq)
			}
			if !batch.Settled {
				continue
			}
			done := false
			for _, path := range batch.Paths {
				if path == s.sentinel {
					done = true
				} else if relative, err := filepath.Rel(s.dir, path); err == nil {
					s.seen[relative] = struct{}{}
				}
			}
			if done {
				return nil
			}
		}
	}
}

// expand replaces DIR/f*N by the N files of a storm.
func expand(paths []string) []string {
	var all []string
	for _, path := range paths {
		prefix, count, storm := strings.Cut(path, "*")
		n, err := strconv.Atoi(count)
		if !storm || err != nil {
			all = append(all, path)
			continue
		}
		for i := range n {
			all = append(all, fmt.Sprintf("%s%03d.c", prefix, i))
		}
	}
	slices.Sort(all)
	return all
}
