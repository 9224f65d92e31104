package watch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"
)

// scripted is a source whose signals the test writes; its physical and its logical paths are the same.
type scripted struct {
	silent
	out chan signal
}

func (s *scripted) signals() <-chan signal { return s.out }

func (s *scripted) locate(sig signal) (paths []string, everything bool, err error) {
	for path := range sig.entries {
		paths = append(paths, path)
	}
	return paths, sig.everything, nil
}

// say signals an event on each path.
func (s *scripted) say(paths ...string) {
	sig := signal{entries: make(map[string]bool)}
	for _, path := range paths {
		sig.entries[path] = true
	}
	sig.stamp()
	s.out <- sig
}

// bench is a directory with a watcher on it, in a bubble of fake time.
type bench struct {
	*testing.T
	*Watcher
	dir    string
	source *scripted
}

// inBubble runs the test with a watcher on the file a.c and the directory src, which holds b.c; a.c and b.c hold "1".
// In mode Poll the watcher runs as a whole, in mode Inotify with a scripted source.
func inBubble(t *testing.T, config Config, test func(t *testing.T, b *bench)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, dir: dir, source: &scripted{out: make(chan signal)}}
		if err := os.Mkdir(b.path("src"), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, b.path("a.c"), "1")
		write(t, b.path("src/b.c"), "1")
		config.Paths = []string{b.path("a.c"), b.path("src")}
		w, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		b.Watcher = w
		b.disk.racy = math.MaxInt64 // the clock of the file system is not that of the bubble
		for path, seen := range b.disk.seen {
			seen.trusted = false
			b.disk.seen[path] = seen
		}
		ctx, cancel := context.WithCancel(t.Context())
		var group errgroup.Group
		group.Go(func() error {
			if w.Mode() == Poll {
				return w.Run(ctx)
			}
			return w.session(b.source).run(ctx)
		})
		test(t, b)
		cancel()
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// save writes a file, signals it, and waits until the watcher has looked.
func (b *bench) save(name, text string) {
	b.Helper()
	write(b, b.path(name), text)
	b.source.say(b.path(name))
	synctest.Wait()
}

// wantBatch takes the batch that must be on offer now.
func (b *bench) wantBatch(want string) Batch {
	b.Helper()
	synctest.Wait()
	select {
	case batch := <-b.Batches():
		if got := strings.ReplaceAll(describe(batch, true), b.dir+"/", ""); got != want {
			b.Fatalf("took batch %q, want %q", got, want)
		}
		synctest.Wait()
		return batch
	default:
		b.Fatalf("no batch on offer, want %q", want)
		return Batch{}
	}
}

func (b *bench) wantNone() {
	b.Helper()
	synctest.Wait()
	select {
	case batch := <-b.Batches():
		b.Fatalf("took batch %q, want none", describe(batch, true))
	default:
	}
}

func TestSessionTellsAtOnceAndWhenSettled(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bench) {
		b.save("a.c", "2")
		batch := b.wantBatch("unsettled! a.c")
		if !batch.First.Equal(time.Now()) {
			t.Errorf("First is %v, want %v", batch.First, time.Now())
		}
		time.Sleep(defaultDebounce - 1)
		b.wantNone()
		time.Sleep(time.Nanosecond)
		b.wantBatch("settled a.c")
		time.Sleep(time.Hour)
		b.wantNone()
	})
}

func TestSessionSurvivesRituals(t *testing.T) {
	const a = "a.c"
	remove := func(b *bench, name string) {
		if err := os.Remove(b.path(name)); err != nil {
			b.Fatal(err)
		}
		b.source.say(b.path(name))
		synctest.Wait()
	}
	tests := []struct {
		name string
		do   func(b *bench)
		want []string // the batches that a waiting consumer gets
	}{
		{"vim: rename away, create, remove the backup", func(b *bench) {
			if err := os.Rename(b.path("src/b.c"), b.path("src/b.c~")); err != nil {
				b.Fatal(err)
			}
			b.source.say(b.path("src/b.c"), b.path("src/b.c~"))
			synctest.Wait()
			b.save("src/b.c", "2")
			remove(b, "src/b.c~")
		}, []string{"unsettled! src/b.c", "settled src/b.c"}},
		{"rm and write", func(b *bench) { remove(b, a); b.save(a, "2") }, []string{"unsettled! a.c", "settled a.c"}},
		{"rm and write the same", func(b *bench) { remove(b, a); b.save(a, "1") }, nil},
		{"rm", func(b *bench) { remove(b, a) }, []string{"settled! a.c"}},
		{"truncate and write", func(b *bench) { b.save(a, ""); b.save(a, "2") }, []string{"unsettled! a.c", "settled a.c"}},
		{"truncate and write the same", func(b *bench) { b.save(a, ""); b.save(a, "1") }, nil},
		{"write and write back", func(b *bench) { b.save(a, "2"); b.save(a, "1") }, []string{"unsettled! a.c", "unsettled", "settled"}},
		{"write the same", func(b *bench) { b.save(a, "1") }, nil},
		{"write temporary and rename", func(b *bench) {
			b.save("src/b.c.new", "2")
			if err := os.Rename(b.path("src/b.c.new"), b.path("src/b.c")); err != nil {
				b.Fatal(err)
			}
			b.source.say(b.path("src/b.c.new"), b.path("src/b.c"))
		}, []string{"unsettled! src/b.c.new", "unsettled! src/b.c", "settled src/b.c"}},
		{"a build's output is no event", func(b *bench) {
			b.save("src/b.so", "2")
			b.save("src/b.o", "2")
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, b *bench) {
				var group errgroup.Group
				ctx, cancel := context.WithCancel(t.Context())
				var got []string
				group.Go(func() error {
					for {
						select {
						case <-ctx.Done():
							return nil
						case batch := <-b.Batches():
							got = append(got, strings.ReplaceAll(describe(batch, true), b.dir+"/", ""))
						}
					}
				})
				test.do(b)
				synctest.Wait()
				time.Sleep(time.Hour)
				cancel()
				if err := group.Wait(); err != nil {
					t.Fatal(err)
				}
				if fmt.Sprint(got) != fmt.Sprint(test.want) {
					t.Errorf("got batches %q, want %q", got, test.want)
				}
			})
		})
	}
}

func TestSessionOutputDoesNotDisturbTheQuiet(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bench) {
		b.save("src/b.c", "2")
		b.wantBatch("unsettled! src/b.c")
		time.Sleep(defaultDebounce - 1)
		b.save("src/b.so", "2") // the build that the first batch has started
		time.Sleep(time.Nanosecond)
		b.wantBatch("settled src/b.c")
	})
}

func TestSessionEventsProlongTheBurstUpToTheLimit(t *testing.T) {
	inBubble(t, Config{MaxWait: 100 * time.Millisecond}, func(t *testing.T, b *bench) {
		b.save("a.c", "2")
		b.wantBatch("unsettled! a.c")
		for range 9 {
			time.Sleep(10 * time.Millisecond)
			b.source.say(b.path("a.c"))
			b.wantNone()
		}
		time.Sleep(10 * time.Millisecond)
		b.wantBatch("settled a.c")
	})
}

func TestSessionLooksAgainBeforeItSettles(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bench) {
		b.save("a.c", "2")
		b.wantBatch("unsettled! a.c")
		write(t, b.path("a.c"), "3") // nobody says so
		time.Sleep(defaultDebounce)
		b.wantBatch("unsettled! a.c")
		time.Sleep(defaultDebounce)
		b.wantBatch("settled a.c")
	})
}

func TestSessionSlowConsumerGetsTheDifference(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bench) {
		b.save("a.c", "2")
		synctest.Wait()
		time.Sleep(time.Second) // settled, but nobody asks
		b.save("src/b.c", "2")
		b.save("src/new.c", "2")
		time.Sleep(time.Second)
		b.save("a.c", "1")
		time.Sleep(time.Second)
		b.wantBatch("settled! src/b.c src/new.c")
		b.wantNone()
	})
}

func TestSessionStormIsFewBatches(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bench) {
		const files = 500
		b.save("src/f000.c", "2")
		b.wantBatch("unsettled! src/f000.c")
		restarts := 0
		for i := range files - 1 {
			b.save(fmt.Sprintf("src/f%03d.c", i+1), "2")
			time.Sleep(100 * time.Microsecond)
			synctest.Wait()
			select {
			case batch := <-b.Batches():
				if restarts++; batch.Settled {
					t.Fatalf("settled after %d files", i)
				}
			default:
			}
		}
		time.Sleep(defaultDebounce)
		synctest.Wait()
		batch := <-b.Batches()
		if !batch.Settled {
			batch = <-b.Batches()
		}
		if !batch.Settled || len(batch.Paths) != files {
			t.Errorf("last batch: settled %t with %d paths, want true with %d", batch.Settled, len(batch.Paths), files)
		}
		if restarts > 5 {
			t.Errorf("%d restarts in 50 ms, want at most 5", restarts)
		}
	})
}

func TestSessionFindsEverythingWhenToldSo(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bench) {
		write(t, b.path("a.c"), "2")
		if err := os.MkdirAll(b.path("src/x/y"), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, b.path("src/x/y/c.c"), "2")
		if err := os.Remove(b.path("src/b.c")); err != nil {
			t.Fatal(err)
		}
		b.source.out <- signal{everything: true, first: time.Now(), last: time.Now()}
		b.wantBatch("unsettled! a.c src/x/y/c.c")
		time.Sleep(defaultDebounce)
		b.wantBatch("settled a.c src/b.c src/x/y/c.c")
		b.save("src/x/y/c.c", "3") // x/y has joined
		b.wantBatch("unsettled! src/x/y/c.c")
	})
}

func TestSessionAddedFile(t *testing.T) {
	inBubble(t, Config{Exclude: func(path string) bool { return strings.HasSuffix(path, ".h") }}, func(t *testing.T, b *bench) {
		write(t, b.path("src/h.h"), "1")
		b.source.say(b.path("src/h.h"))
		b.wantNone()
		if err := b.Add(b.path("src/h.h"), b.path("src/missing.h"), b.path("src")); err != nil {
			t.Fatal(err)
		}
		b.wantNone()
		b.save("src/h.h", "2")
		b.wantBatch("unsettled! src/h.h")
		time.Sleep(defaultDebounce)
		b.wantBatch("settled src/h.h")
		b.save("src/missing.h", "1")
		b.wantNone()
	})
}

func TestSessionAddedFileChangedBeforeAdoption(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bench) {
		write(t, b.path("h.h"), "1")
		b.mu.Lock() // the loop cannot adopt yet
		seen, err := examine(b.path("h.h"), sighting{}, largeFile, racyAge)
		if err != nil {
			t.Fatal(err)
		}
		b.queue = append(b.queue, adoption{path: b.path("h.h"), sighting: sighting{content: seen.content}})
		write(t, b.path("h.h"), "2")
		b.mu.Unlock()
		b.queued <- struct{}{}
		b.wantBatch("unsettled! h.h")
	})
}

func TestSessionSourceFailureEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.c")
		write(t, path, "1")
		w, err := New(Config{Paths: []string{path}})
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("broken")
		if err := w.session(failing{broken}).run(t.Context()); !errors.Is(err, broken) {
			t.Errorf("session ended with %v, want %v", err, broken)
		}
	})
}

type failing struct{ err error }

func (failing) run(ctx context.Context) error         { <-ctx.Done(); return nil }
func (failing) signals() <-chan signal                { return nil }
func (failing) locate(signal) ([]string, bool, error) { return nil, false, nil }
func (f failing) follow(string) error                 { return f.err }
func (failing) unfollow(string)                       {}
func (failing) enter(string) error                    { return nil }
func (failing) close() error                          { return nil }

func TestPollLooksOncePerInterval(t *testing.T) {
	inBubble(t, Config{Mode: Poll}, func(t *testing.T, b *bench) {
		synctest.Wait()
		write(t, b.path("a.c"), "2")
		time.Sleep(defaultInterval - 1)
		b.wantNone()
		time.Sleep(time.Nanosecond)
		b.wantBatch("unsettled! a.c")
		time.Sleep(defaultDebounce)
		b.wantBatch("settled a.c")
	})
}

func TestPollWaitsForAFileBeingWritten(t *testing.T) {
	inBubble(t, Config{Mode: Poll}, func(t *testing.T, b *bench) {
		synctest.Wait()
		write(t, b.path("a.c"), "half")
		time.Sleep(defaultInterval)
		b.wantBatch("unsettled! a.c")
		write(t, b.path("a.c"), "half and half")
		time.Sleep(defaultDebounce)
		b.wantBatch("unsettled! a.c")
		time.Sleep(defaultDebounce)
		b.wantBatch("settled a.c")
	})
}
