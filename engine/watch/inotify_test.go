package watch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sync/errgroup"
)

// faulty is a real notifier with faults: events that do not come, directories that cannot be watched.
type faulty struct {
	notifier
	errors chan error
	lost   atomic.Bool            // swallow every event
	refuse func(dir string) error // what Add says, nil for none
	events chan fsnotify.Event    // what is left of the notifier's
	done   chan struct{}          // closed by Close
	group  errgroup.Group         // the goroutine that swallows
}

func newFaulty(t *testing.T, refuse func(dir string) error) *faulty {
	real, err := openFsnotify()
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{
		notifier: real, refuse: refuse,
		errors: make(chan error), events: make(chan fsnotify.Event), done: make(chan struct{}),
	}
	f.group.Go(func() error {
		for event := range real.Events() {
			if f.lost.Load() {
				continue
			}
			select {
			case f.events <- event:
			case <-f.done:
				return nil
			}
		}
		return nil
	})
	return f
}

func (f *faulty) Events() <-chan fsnotify.Event { return f.events }
func (f *faulty) Errors() <-chan error          { return f.errors }

func (f *faulty) Add(dir string) error {
	if f.refuse != nil {
		if err := f.refuse(dir); err != nil {
			return err
		}
	}
	return f.notifier.Add(dir)
}

func (f *faulty) Close() error {
	close(f.done)
	return errors.Join(f.notifier.Close(), f.group.Wait())
}

// watched returns a watcher on the directory src with src/a.c and src/sub/b.c, its log at Warn and above, and its paths.
func watched(t *testing.T, refuse func(dir string) error) (w *Watcher, f *faulty, logs *observer.ObservedLogs, a, b string) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(dir, "src")
	if err := os.MkdirAll(filepath.Join(src, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	a, b = filepath.Join(src, "a.c"), filepath.Join(src, "sub", "b.c")
	write(t, a, "1")
	write(t, b, "1")
	core, logs := observer.New(zapcore.WarnLevel)
	w, err = New(Config{Paths: []string{src, a}, Interval: 5 * time.Millisecond, Debounce: time.Millisecond, Logger: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	w.sweep = time.Hour
	f = newFaulty(t, refuse)
	w.openNotifier = func() (notifier, error) { return f, nil }
	return w, f, logs, a, b
}

func TestOverflowLooksAtEverything(t *testing.T) {
	w, f, _, a, b := watched(t, nil)
	sub := filepath.Dir(b)
	if err := os.Mkdir(filepath.Join(sub, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, w)
	write(t, a, "2")
	waitFor(t, w, a)
	f.lost.Store(true)
	write(t, a, "3")
	// A directory moved and another in its place, unheard.
	if err := os.Rename(sub, sub+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, b, "3")
	f.errors <- fsnotify.ErrEventOverflow
	waitFor(t, w, b)
	f.lost.Store(false)
	for _, path := range []string{a, b, filepath.Join(sub+"2", "b.c"), filepath.Join(sub+"2", "deep", "c.c")} {
		write(t, path, "4") // heard again, under its new name
		waitFor(t, w, path)
	}
}

func TestDirectoryInUseIsReplaced(t *testing.T) {
	// A directory that somebody is in sends nothing when it is removed. Its parent does.
	for _, test := range []struct {
		name string
		path func(src string) string // what to watch
	}{
		{"directory", func(src string) string { return src }},
		{"file", func(src string) string { return filepath.Join(src, "a.c") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			src := filepath.Join(dir, "src")
			a := filepath.Join(src, "a.c")
			if err := os.Mkdir(src, 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, a, "1")
			w, err := New(Config{Paths: []string{test.path(src)}, Debounce: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			w.sweep = time.Hour
			start(t, w)
			write(t, a, "2")
			waitFor(t, w, a)
			if err := os.Remove(a); err != nil {
				t.Fatal(err)
			}
			waitFor(t, w, a)
			held, err := os.Open(src)
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close() //nolint:errcheck // opened for reading
			if err := errors.Join(os.Remove(src), os.Mkdir(src, 0o700)); err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"3", "4"} {
				write(t, a, text)
				waitFor(t, w, a)
			}
		})
	}
}

func TestPathThatAppearsWhileItsAncestorIsArmed(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(dir, "src")
	a := filepath.Join(src, "a.c")
	create := func(text string) error {
		return errors.Join(os.MkdirAll(src, 0o700), os.WriteFile(a, []byte(text), 0o600))
	}
	if err := create("1"); err != nil {
		t.Fatal(err)
	}
	w, err := New(Config{Paths: []string{a}, Debounce: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	w.sweep = time.Hour
	f := newFaulty(t, func(armed string) error {
		if armed != dir {
			return nil
		}
		return create("2") // too early to be heard, too late to have been seen
	})
	w.openNotifier = func() (notifier, error) { return f, nil }
	if err := os.RemoveAll(src); err != nil {
		t.Fatal(err)
	}
	start(t, w)
	waitFor(t, w, a)
	write(t, a, "3")
	waitFor(t, w, a)
}

func TestRemovedLinkIsForgotten(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.c")
	if err := os.Symlink(filepath.Join(dir, "gone", "a.c"), link); err != nil {
		t.Fatal(err)
	}
	w, err := New(Config{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	notifier := newFaulty(t, nil)
	defer notifier.Close() //nolint:errcheck // nothing depends on it
	source := newInotify(notifier, time.Hour, time.Hour, zap.NewNop())
	s := w.session(source)
	if err := s.rescan(); err != nil {
		t.Fatal(err)
	}
	if len(source.trails) != 2 {
		t.Fatalf("follows %v, want the directory and the link", source.trails)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := s.obey(signal{entries: map[string]bool{link: true}}); err != nil {
		t.Fatal(err)
	}
	if len(source.trails) != 1 || source.means[link] != nil {
		t.Errorf("follows %v by %v, want the directory alone", source.trails, source.means)
	}
}

func TestSweepFindsWhatSentNoEvent(t *testing.T) {
	w, f, _, a, _ := watched(t, nil)
	w.sweep = 5 * time.Millisecond
	f.lost.Store(true)
	start(t, w)
	write(t, a, "2")
	waitFor(t, w, a)
}

func TestDeafDirectoryIsSwept(t *testing.T) {
	w, f, logs, _, b := watched(t, func(dir string) error {
		if strings.HasSuffix(dir, "/sub") {
			return syscall.EACCES
		}
		return nil
	})
	start(t, w)
	write(t, b, "2")
	waitFor(t, w, b)
	f.lost.Store(true)
	write(t, b, "3")
	waitFor(t, w, b)
	if w.Mode() != Inotify || logs.Len() > 0 {
		t.Errorf("mode is %s with warnings %v; want inotify and none", w.Mode(), logs.All())
	}
}

func TestFallsBackToPolling(t *testing.T) {
	tests := []struct {
		name   string
		open   error // from the opening of inotify
		refuse func(dir string) error
		after  func(w *Watcher, f *faulty, sub string) // makes a running watcher fail
		remedy string
	}{
		{name: "too many instances", open: syscall.EMFILE, remedy: "max_user_instances"},
		{name: "no inotify", open: syscall.ENOSYS, remedy: "mode poll"},
		{name: "too many watches", remedy: "max_user_watches", refuse: func(string) error { return syscall.ENOSPC }},
		{name: "too many watches later", remedy: "max_user_watches", refuse: func(dir string) error {
			if strings.HasSuffix(dir, "/later") {
				return syscall.ENOSPC
			}
			return nil
		}, after: func(_ *Watcher, _ *faulty, sub string) {
			if err := os.Mkdir(filepath.Join(sub, "later"), 0o700); err != nil {
				panic(err)
			}
		}},
		{name: "the stream of events ends", remedy: "mode poll", after: func(_ *Watcher, f *faulty, _ string) { close(f.errors) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, f, logs, a, b := watched(t, test.refuse)
			if test.open != nil {
				w.openNotifier = func() (notifier, error) { return nil, test.open }
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
			}
			start(t, w)
			if test.after != nil {
				write(t, a, "2")
				waitFor(t, w, a)
				test.after(w, f, filepath.Dir(b))
			}
			write(t, a, "3")
			waitFor(t, w, a)
			write(t, b, "3")
			waitFor(t, w, b)
			for deadline := time.Now().Add(10 * time.Second); w.Mode() != Poll && time.Now().Before(deadline); {
				write(t, a, time.Now().String())
				waitFor(t, w, a)
			}
			if w.Mode() != Poll || logs.Len() != 1 {
				t.Fatalf("mode is %s with warnings %v; want poll and one", w.Mode(), logs.All())
			}
			if got := logs.All()[0].ContextMap()["remedy"]; !strings.Contains(got.(string), test.remedy) {
				t.Errorf("remedy is %q, want %q in it", got, test.remedy)
			}
		})
	}
}
