package watch

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.c")
	write(t, file, "1")
	tests := []struct {
		name   string
		config Config
		want   string // in the error
	}{
		{"nothing to watch", Config{}, "name at least one"},
		{"a missing file", Config{Paths: []string{filepath.Join(dir, "no.c")}}, "does not exist; create it"},
		{"a device", Config{Paths: []string{os.DevNull}}, "expected a regular file or a directory"},
		{"an unknown mode", Config{Paths: []string{file}, Mode: "fanotify"}, `unknown mode "fanotify"; expected "inotify" or "poll"`},
		{"a negative debounce", Config{Paths: []string{file}, Debounce: -1}, "debounce is -1ns"},
		{"a negative interval", Config{Paths: []string{file}, Interval: -1}, "interval is -1ns"},
		{"a negative wait", Config{Paths: []string{file}, MaxWait: -1}, "maximum wait is -1ns"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if w, err := New(test.config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v; want an error that says %q", w, err, test.want)
			}
		})
	}
}

func TestNewFillsInDefaults(t *testing.T) {
	w, err := New(Config{Paths: []string{t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	c := w.config
	if w.Mode() != Inotify || c.Interval != 250*time.Millisecond || c.Debounce != 25*time.Millisecond || c.MaxWait != time.Second {
		t.Errorf("defaults are %v, %v, %v, %v; want inotify, 250ms, 25ms, 1s", w.Mode(), c.Interval, c.Debounce, c.MaxWait)
	}
}

// start runs the watcher until the test ends, and fails the test if that ends in an error.
func start(t testing.TB, w *Watcher) {
	ctx, cancel := context.WithCancel(context.Background())
	var group errgroup.Group
	group.Go(func() error { return w.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
		if _, open := <-w.Batches(); open {
			t.Error("Batches is not closed after Run")
		}
	})
}

// waitFor takes batches until a settled one names the path.
func waitFor(t testing.TB, w *Watcher, path string) {
	t.Helper()
	timeout := time.NewTimer(20 * time.Second)
	defer timeout.Stop()
	for {
		select {
		case <-timeout.C:
			t.Fatalf("%s was not reported", path)
		case batch := <-w.Batches():
			for _, changed := range batch.Paths {
				if changed == path && batch.Settled {
					return
				}
			}
		}
	}
}

func TestChangesBeforeRunAreFound(t *testing.T) {
	for _, mode := range []Mode{Inotify, Poll} {
		t.Run(string(mode), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.c")
			write(t, path, "1")
			w, err := New(Config{Paths: []string{path}, Mode: mode})
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, "2")
			start(t, w)
			waitFor(t, w, path)
		})
	}
}

func TestAddWhileRunning(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.c")
	write(t, path, "1")
	w, err := New(Config{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	start(t, w)
	var headers []string
	for _, name := range []string{"a.h", "b.h", "c.h", "d.h"} {
		headers = append(headers, filepath.Join(dir, name))
		write(t, headers[len(headers)-1], "1")
	}
	var group errgroup.Group
	for range 4 {
		group.Go(func() error { return w.Add(headers...) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		write(t, header, "2")
		waitFor(t, w, header)
	}
}

func TestRelativePathsAreReportedAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.c", "1")
	write(t, "a.h", "1")
	w, err := New(Config{Paths: []string{"a.c"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add("a.h"); err != nil {
		t.Fatal(err)
	}
	start(t, w)
	for _, name := range []string{"a.c", "a.h"} {
		path, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, name, "2")
		waitFor(t, w, path)
	}
}

func TestRunOnce(t *testing.T) {
	w, err := New(Config{Paths: []string{t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Run(ctx); err != nil {
		t.Errorf("Run with an ended context: %v, want nil", err)
	}
	if err := w.Run(ctx); err == nil {
		t.Error("a second Run: no error")
	}
}

// BenchmarkSaveToBatch measures the time from the start of a save to the unsettled batch in the consumer's hands.
func BenchmarkSaveToBatch(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.c")
	write(b, path, "1")
	w, err := New(Config{Paths: []string{path}, Debounce: time.Millisecond})
	if err != nil {
		b.Fatal(err)
	}
	start(b, w)
	contents := []string{"int a;", "int bb;"}
	for i := 0; b.Loop(); i++ {
		write(b, path, contents[i%2])
		batch := <-w.Batches()
		b.StopTimer()
		for !batch.Settled {
			batch = <-w.Batches()
		}
		b.StartTimer()
	}
}
