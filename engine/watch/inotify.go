package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// sweepInterval is the time between two looks at the explicitly watched paths that no event asked for: the safety net for
// what sends none, such as a directory whose grandparent was moved away.
const sweepInterval = 2 * time.Second

// maxSettling bounds how often a trail is walked again because a directory on it was not watched yet.
const maxSettling = 8

// notifier is the part of an fsnotify.Watcher that is used here.
type notifier interface {
	Add(dir string) error
	Remove(dir string) error
	Close() error
	Events() <-chan fsnotify.Event
	Errors() <-chan error
}

type fsnotifier struct{ *fsnotify.Watcher }

func (f fsnotifier) Events() <-chan fsnotify.Event { return f.Watcher.Events }
func (f fsnotifier) Errors() <-chan error          { return f.Watcher.Errors }

func openFsnotify() (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return fsnotifier{w}, nil
}

// inotify is the source that asks the kernel. It watches directories only, each under its physical path: two paths to one
// directory share one watch, under the first one's name.
type inotify struct {
	notifier notifier
	log      *zap.Logger
	out      chan signal
	sweeps   time.Duration // between sweeps
	interval time.Duration // between sweeps once a directory is deaf
	hurry    chan struct{} // the first directory became deaf

	// Owned by the session's loop.
	armed  map[string]identity            // watched physical directories
	deaf   map[string]struct{}            // directories that send no events
	trails map[string]trail               // by followed path
	means  map[string]map[string]struct{} // physical entry -> followed paths with this entry on their trail
	trees  map[string]map[string]struct{} // physical directory -> entered directories which are this one
}

func newInotify(n notifier, sweeps, interval time.Duration, log *zap.Logger) *inotify {
	s := &inotify{
		notifier: n,
		log:      log,
		out:      make(chan signal),
		sweeps:   sweeps,
		interval: min(interval, sweeps),
		hurry:    make(chan struct{}, 1),
	}
	s.forget()
	return s
}

func (s *inotify) signals() <-chan signal { return s.out }
func (s *inotify) close() error           { return s.notifier.Close() }

// run gathers events while the loop is busy, so that the kernel's queue does not overflow meanwhile.
func (s *inotify) run(ctx context.Context) error {
	ticker := time.NewTicker(s.sweeps)
	defer ticker.Stop()
	var gathered signal
	for {
		var out chan<- signal
		if !gathered.first.IsZero() {
			out = s.out
		}
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-s.notifier.Events():
			if !ok {
				return errors.New("the stream of events has ended")
			}
			gathered.add(event)
		case err, ok := <-s.notifier.Errors():
			if !ok {
				return errors.New("the stream of events has ended")
			}
			s.log.Debug("events may be lost, looking at everything", zap.Error(err))
			gathered.everything = true
			gathered.stamp()
		case <-ticker.C:
			gathered.sweep = true
			gathered.stamp()
		case <-s.hurry:
			ticker.Reset(s.interval)
		case out <- gathered:
			gathered = signal{}
		}
	}
}

func (g *signal) add(event fsnotify.Event) {
	if g.entries == nil {
		g.entries = make(map[string]bool)
	}
	replaced := event.Has(fsnotify.Create) || event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)
	g.entries[event.Name] = g.entries[event.Name] || replaced
	g.stamp()
}

func (g *signal) stamp() {
	g.last = time.Now()
	if g.first.IsZero() {
		g.first = g.last
	}
}

func (s *inotify) locate(sig signal) (paths []string, everything bool, err error) {
	if sig.everything {
		for dir := range s.armed {
			s.disarm(dir)
		}
		s.forget()
		return nil, true, nil
	}
	found := make(map[string]struct{})
	// Watches on what was replaced go first: the kernel would hand them out again, under their old names.
	for entry, replaced := range sig.entries {
		if _, watched := s.armed[entry]; watched && replaced {
			s.disarmTree(entry, found)
		}
	}
	for entry := range sig.entries {
		maps.Copy(found, s.means[entry])
		for dir := range s.trees[filepath.Dir(entry)] {
			found[filepath.Join(dir, filepath.Base(entry))] = struct{}{}
		}
	}
	if sig.sweep {
		s.sweep(found)
	}
	return slices.Collect(maps.Keys(found)), false, nil
}

// sweep adds to found what cannot be relied on to have sent events, and drops watches that have no use any more.
func (s *inotify) sweep(found map[string]struct{}) {
	entered := make(map[string]struct{})
	needed := make(map[string]struct{})
	for dir, names := range s.trees {
		needed[dir] = struct{}{}
		maps.Copy(entered, names)
	}
	for path, t := range s.trails {
		if _, tree := entered[path]; !tree {
			found[path] = struct{}{}
		}
		for _, dir := range slices.Concat(t.dirs, t.parents) {
			needed[dir] = struct{}{}
		}
	}
	for dir, id := range s.armed {
		if _, ok := needed[dir]; !ok {
			s.disarm(dir)
		} else if s.means[dir] != nil && id != identityAt(dir) {
			s.disarmTree(dir, found)
		}
	}
	for dir := range s.deaf {
		maps.Copy(found, s.trees[dir])
	}
}

func (s *inotify) follow(path string) error {
	for range maxSettling {
		t := walkTrail(path)
		s.index(path, t)
		settled := true
		for _, dir := range t.dirs {
			fresh, err := s.arm(dir)
			if err != nil {
				return err
			}
			settled = settled && !fresh
		}
		for _, dir := range t.parents {
			if _, err := s.armQuietly(dir); err != nil && !errors.Is(err, fs.ErrPermission) {
				return err
			}
		}
		if settled {
			return nil
		}
	}
	return nil
}

func (s *inotify) unfollow(path string) {
	for _, entry := range s.trails[path].entries {
		if delete(s.means[entry], path); len(s.means[entry]) == 0 {
			delete(s.means, entry)
		}
	}
	delete(s.trails, path)
}

func (s *inotify) index(path string, t trail) {
	if !slices.Equal(s.trails[path].entries, t.entries) {
		s.unfollow(path)
		for _, entry := range t.entries {
			insert(s.means, entry, path)
		}
	}
	s.trails[path] = t
}

func (s *inotify) enter(dir string) error {
	physical, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil // gone: the event that says so is on its way
	}
	insert(s.trees, physical, dir)
	_, err = s.arm(physical)
	return err
}

// arm watches a physical directory and reports whether that is new; a directory that sends no events is swept instead.
// The error says that inotify cannot be used.
func (s *inotify) arm(dir string) (fresh bool, err error) {
	fresh, err = s.armQuietly(dir)
	if errors.Is(err, fs.ErrPermission) {
		s.deafen(dir, err)
		return false, nil
	}
	if reason := remote(dir); reason != nil {
		s.deafen(dir, reason)
	} else if err == nil {
		delete(s.deaf, dir)
	}
	return fresh, err
}

// armQuietly is arm for a directory from which events would be nice to have.
func (s *inotify) armQuietly(dir string) (fresh bool, err error) {
	id := identityAt(dir)
	if before, watched := s.armed[dir]; watched {
		if before == id {
			return false, nil
		}
		s.disarm(dir)
	}
	if err := s.notifier.Add(dir); err != nil {
		if unlessGone(err) == nil {
			return false, nil
		}
		return false, fmt.Errorf("watch directory %s: %w", dir, err)
	}
	s.armed[dir] = id
	return true, nil
}

func (s *inotify) deafen(dir string, reason error) {
	if _, known := s.deaf[dir]; known {
		return
	}
	if len(s.deaf) == 0 {
		select {
		case s.hurry <- struct{}{}:
		default: // asked for before
		}
	}
	s.deaf[dir] = struct{}{}
	s.log.Debug("directory sends no events, sweeping", zap.String("path", dir), zap.Duration("interval", s.interval), zap.Error(reason))
}

func (s *inotify) disarm(dir string) {
	if err := s.notifier.Remove(dir); err != nil && !errors.Is(err, fsnotify.ErrNonExistentWatch) {
		s.log.Debug("watch was already gone", zap.String("path", dir), zap.Error(err))
	}
	delete(s.armed, dir)
}

// disarmTree disarms a directory with all below it and adds to found which paths are to be visited to arm them again.
func (s *inotify) disarmTree(dir string, found map[string]struct{}) {
	for watched := range s.armed {
		if watched != dir && !below(watched, dir) {
			continue
		}
		s.disarm(watched)
		maps.Copy(found, s.means[watched])
		maps.Copy(found, s.trees[watched])
		delete(s.trees, watched)
	}
}

// forget begins anew, with nothing watched.
func (s *inotify) forget() {
	s.armed = make(map[string]identity)
	s.deaf = make(map[string]struct{})
	s.trails = make(map[string]trail)
	s.means = make(map[string]map[string]struct{})
	s.trees = make(map[string]map[string]struct{})
}

func insert(index map[string]map[string]struct{}, key, value string) {
	if index[key] == nil {
		index[key] = make(map[string]struct{})
	}
	index[key][value] = struct{}{}
}

// identityAt returns the zero value if there is nothing.
func identityAt(dir string) identity {
	info, err := os.Stat(dir)
	if err != nil {
		return identity{}
	}
	return identityOf(info)
}

// remedy says what the user can do about inotify being of no use.
func remedy(reason error) string {
	switch {
	case errors.Is(reason, syscall.ENOSPC):
		return "raise the limit: sysctl fs.inotify.max_user_watches=1048576"
	case errors.Is(reason, syscall.EMFILE), errors.Is(reason, syscall.ENFILE):
		return "raise the limit: sysctl fs.inotify.max_user_instances=1024, or ulimit -n"
	case errors.Is(reason, errRemote):
		return "watch a copy on a local disk, or choose mode poll to be rid of this message"
	}
	return "choose mode poll to be rid of this message"
}
