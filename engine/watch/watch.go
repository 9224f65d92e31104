package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Mode says how changes are noticed.
type Mode string

const (
	// Inotify asks the kernel for events. A slow sweep of the watched paths backs it up.
	Inotify Mode = "inotify"
	// Poll looks at every watched file once per [Config.Interval].
	Poll Mode = "poll"
)

const (
	defaultInterval = 250 * time.Millisecond
	defaultDebounce = 25 * time.Millisecond
	defaultMaxWait  = time.Second
)

// Config is what a [Watcher] is made from. The zero value of every field but Paths is usable.
type Config struct {
	// Paths are the files and directories to watch, which must exist when New is called. Directories are watched with
	// everything below them, except hidden directories, those of version control systems and node_modules, directories
	// marked by a CACHEDIR.TAG, editors' temporary files and the usual products of a build. A file named here is
	// watched whatever its name is. Links to files are followed, links to directories only if named here.
	Paths []string
	// Exclude reports whether the file or directory at an absolute path is to be ignored: what the build writes. It is
	// called by the goroutine that called New or Run. It is not asked about files named in Paths or given to Add.
	Exclude func(path string) bool
	// Mode is the way to notice changes; empty means Inotify. Where inotify does not work, polling takes its place.
	Mode Mode
	// Interval is the time between two looks in mode Poll; 0 means 250 ms.
	Interval time.Duration
	// Debounce is the time without an event after which a burst has settled; 0 means 25 ms.
	Debounce time.Duration
	// MaxWait is the time after which a burst settles even if events keep coming; 0 means 1 s.
	MaxWait time.Duration
	// Logger receives one Debug entry per event and a Warn entry when the watcher is degraded; nil means none.
	Logger *zap.Logger
}

// Batch tells what changed. A consumer that does three things with each batch is never wrong: drop the running build if
// Paths is empty, else (re)start it if Restart is set, and release its verdict if Settled is set.
type Batch struct {
	// Seq counts the batches taken from the channel, from 1.
	Seq uint64
	// Paths are the absolute paths, sorted, of all files whose content differs from what it was when the last settled
	// batch was taken. A removed or emptied file is among them only if the batch is settled. Empty means that the
	// burst ended, or for now is back, where it began.
	Paths []string
	// Restart is set if the content differs from what it was when the previous batch was taken, so that a build
	// started then has read something else. An unsettled batch with Paths always has it. A settled one has it if the
	// last change was a removal, or came while the consumer was busy.
	Restart bool
	// Settled is set on the last batch of a burst: no event came for Config.Debounce, or Config.MaxWait is over.
	Settled bool
	// First is the time of the first event since the last settled batch.
	First time.Time
}

// Watcher watches files and directories. Make one with [New], then call [Watcher.Run] once.
type Watcher struct {
	config  Config
	log     *zap.Logger
	batches chan Batch
	mode    atomic.Pointer[Mode]
	running atomic.Bool

	// Owned by New, then by Run.
	scope   *scope
	disk    *disk
	tracker *tracker

	// Seams for tests; set by New, read by Run.
	openNotifier func() (notifier, error)
	sweep        time.Duration

	mu     sync.Mutex
	known  map[string]struct{} // guarded by mu: every explicit file, adopted or about to be
	queue  []adoption          // guarded by mu: added, not yet adopted by Run
	queued chan struct{}       // holds a token when queue may not be empty
}

// adoption is a file on its way from Add to the loop, with what it held when it was added.
type adoption struct {
	path     string
	sighting sighting
}

// New checks the configuration and reads every watched file once: changes from then on are found, also those made before
// Run starts. It starts no goroutine.
func New(config Config) (*Watcher, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	w := &Watcher{
		config:       config,
		log:          config.Logger,
		batches:      make(chan Batch),
		scope:        newScope(config.Exclude),
		disk:         newDisk(),
		tracker:      newTracker(config.Debounce, config.MaxWait),
		openNotifier: openFsnotify,
		sweep:        sweepInterval,
		known:        make(map[string]struct{}),
		queued:       make(chan struct{}, 1),
	}
	w.mode.Store(&config.Mode)
	for _, path := range config.Paths {
		if err := w.include(path); err != nil {
			return nil, err
		}
	}
	baseline := w.session(silent{})
	if err := baseline.rescan(); err != nil {
		return nil, fmt.Errorf("watch: read the files to watch: %w", err)
	}
	w.tracker.rebase()
	return w, nil
}

// Batches returns the channel of batches. It is unbuffered, so that a batch tells how things are when it is taken, and is
// closed when Run returns.
func (w *Watcher) Batches() <-chan Batch { return w.batches }

// Mode returns the way in which changes are really noticed: Poll after a fallback. Safe for concurrent use.
func (w *Watcher) Mode() Mode { return *w.mode.Load() }

// Add watches more files, such as the headers that a build has read; each is compared with its content at the time of
// this call. A path already watched, a missing one and one that is no regular file are passed over. The error is that of
// making a path absolute. Safe for concurrent use, before Run and during it.
func (w *Watcher) Add(paths ...string) error {
	for _, path := range paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("watch: make %q absolute: %w", path, err)
		}
		w.add(absolute)
	}
	return nil
}

// Run watches until the context ends, then returns nil. It owns all goroutines of the watcher and returns after they have
// ended; it may be called once. Any other error means that watching is no longer possible, not even by polling.
func (w *Watcher) Run(ctx context.Context) error {
	if w.running.Swap(true) {
		return errors.New("watch: Run was called a second time; make a new Watcher instead")
	}
	defer close(w.batches)
	if w.Mode() == Inotify {
		err := w.runInotify(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		w.fallBack(err)
	}
	if err := w.session(newPoll(w.config.Interval)).run(ctx); err != nil {
		return fmt.Errorf("watch: poll: %w", err)
	}
	return nil
}

// runInotify watches by inotify until the context ends (nil) or inotify turns out to be of no use (the reason).
func (w *Watcher) runInotify(ctx context.Context) error {
	if err := w.scope.remote(); err != nil {
		return err
	}
	events, err := w.openNotifier()
	if err != nil {
		return err
	}
	return w.session(newInotify(events, w.sweep, w.config.Interval, w.log)).run(ctx)
}

func (w *Watcher) fallBack(reason error) {
	poll := Poll
	w.mode.Store(&poll)
	w.log.Warn("inotify cannot be used, polling instead",
		zap.Error(reason), zap.String("remedy", remedy(reason)), zap.Duration("interval", w.config.Interval))
}

// include puts one of Config.Paths in scope.
func (w *Watcher) include(path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("watch: make %q absolute: %w", path, err)
	}
	info, err := os.Stat(absolute)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("watch: %q does not exist; create it, or correct the path (looked for %s): %w", path, absolute, err)
	case err != nil:
		return fmt.Errorf("watch: %q cannot be examined; check its permissions: %w", path, err)
	case info.IsDir():
		if _, err := os.ReadDir(absolute); err != nil {
			return fmt.Errorf("watch: directory %q cannot be listed; check its permissions: %w", path, err)
		}
		w.scope.roots[absolute] = struct{}{}
	case info.Mode().IsRegular():
		if _, err := examine(absolute, sighting{}, largeFile, racyAge); err != nil {
			return fmt.Errorf("watch: file %q cannot be read; check its permissions: %w", path, err)
		}
		w.scope.files[absolute] = struct{}{}
		w.known[absolute] = struct{}{}
	default:
		return fmt.Errorf("watch: %q is a %s; expected a regular file or a directory", path, info.Mode().Type())
	}
	return nil
}

func (w *Watcher) add(path string) {
	w.mu.Lock()
	_, known := w.known[path]
	w.mu.Unlock()
	if known {
		return
	}
	seen, err := examine(path, sighting{}, largeFile, racyAge)
	if err != nil || !seen.content.exists {
		w.log.Debug("not added: missing, unreadable or no regular file", zap.String("path", path), zap.Error(err))
		return
	}
	w.mu.Lock()
	if _, known := w.known[path]; !known {
		w.known[path] = struct{}{}
		w.queue = append(w.queue, adoption{path: path, sighting: seen})
	}
	w.mu.Unlock()
	select {
	case w.queued <- struct{}{}:
	default: // a token is already there
	}
}

// adoptions empties the queue of added files.
func (w *Watcher) adoptions() []adoption {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue := w.queue
	w.queue = nil
	return queue
}

// complete fills in defaults and refuses what makes no sense.
func (c *Config) complete() error {
	if len(c.Paths) == 0 {
		return errors.New("watch: nothing to watch; name at least one file or directory")
	}
	switch c.Mode {
	case "":
		c.Mode = Inotify
	case Inotify, Poll:
	default:
		return fmt.Errorf("watch: unknown mode %q; expected %q or %q", c.Mode, Inotify, Poll)
	}
	for _, d := range []struct {
		name     string
		value    *time.Duration
		fallback time.Duration
	}{
		{"poll interval", &c.Interval, defaultInterval},
		{"debounce", &c.Debounce, defaultDebounce},
		{"maximum wait", &c.MaxWait, defaultMaxWait},
	} {
		if *d.value < 0 {
			return fmt.Errorf("watch: the %s is %v; expected a positive duration, or 0 for %v", d.name, *d.value, d.fallback)
		}
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if c.Exclude == nil {
		c.Exclude = func(string) bool { return false }
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	return nil
}
