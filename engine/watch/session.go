package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// session joins scope, disk and tracker over one source. A change of the source makes a new session over the same three,
// which begins by looking at everything, so that nothing is missed in between. All methods run on one goroutine.
type session struct {
	*Watcher
	source source
	event  bool      // looks are caused by an event, not by a sweep or a scan
	at     time.Time // of the event that causes the looks
	looked bool      // a watched file was looked at since the last signal
}

func (w *Watcher) session(s source) *session {
	return &session{Watcher: w, source: s, at: time.Now()}
}

// run ends with nil when the context ends, or with the reason why the source cannot be used.
func (s *session) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.source.run(ctx) })
	group.Go(func() error { return s.loop(ctx) })
	err := group.Wait()
	return errors.Join(err, s.source.close())
}

func (s *session) loop(ctx context.Context) error {
	if err := s.rescan(); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		var out chan<- Batch
		batch, ok := s.tracker.offer(now)
		if ok {
			out = s.batches
		}
		if wake, ok := s.tracker.wake(now); ok {
			timer.Reset(wake.Sub(now))
		} else {
			timer.Stop()
		}
		var err error
		select {
		case <-ctx.Done():
			return nil
		case out <- batch:
			s.tracker.taken(time.Now())
			s.log.Debug("batch taken", zap.Uint64("seq", batch.Seq), zap.Bool("settled", batch.Settled), zap.Strings("paths", batch.Paths))
		case signal := <-s.source.signals():
			err = s.obey(signal)
		case <-s.queued:
			err = s.adopt()
		case <-timer.C:
			err = s.expire()
		}
		if err != nil {
			return err
		}
	}
}

// obey looks where the signal says.
func (s *session) obey(signal signal) error {
	s.event, s.at, s.looked = len(signal.entries) > 0, signal.first, false
	paths, everything, err := s.source.locate(signal)
	if err != nil {
		return err
	}
	if everything {
		return s.rescan()
	}
	for _, path := range paths {
		if err := s.visit(path); err != nil {
			return err
		}
	}
	if s.event && s.looked { // what is ignored, such as a build's output, does not disturb the quiet
		s.tracker.stir(signal.last)
	}
	return nil
}

// expire settles the burst if nothing is on its way and the disk still holds what was seen. The second look is what makes
// the debounce meaningful when polling, where no event tells that a file is still being written.
func (s *session) expire() error {
	if !s.tracker.due(time.Now()) {
		return nil
	}
	select {
	case signal := <-s.source.signals():
		if err := s.obey(signal); err != nil {
			return err
		}
	default:
	}
	s.event, s.at = false, time.Now()
	for _, path := range s.tracker.burst() {
		s.look(path)
	}
	if s.tracker.due(time.Now()) {
		s.tracker.settle()
	}
	return nil
}

// adopt takes over the files that were added, and looks at them: they may have changed since.
func (s *session) adopt() error {
	for _, file := range s.adoptions() {
		s.scope.files[file.path] = struct{}{}
		if _, seen := s.disk.seen[file.path]; !seen {
			s.disk.seen[file.path] = file.sighting
		}
		s.tracker.adopt(file.path, file.sighting.content)
		s.event, s.at = false, time.Now()
		if err := s.visit(file.path); err != nil {
			return err
		}
	}
	return nil
}

// rescan looks at everything in scope.
func (s *session) rescan() error {
	s.event, s.at = false, time.Now()
	for path := range s.scope.files {
		if err := s.visit(path); err != nil {
			return err
		}
	}
	for path := range s.scope.roots {
		if err := s.visit(path); err != nil {
			return err
		}
	}
	return nil
}

// visit looks at a path which may be a file or a directory, named by the user or found.
func (s *session) visit(path string) error {
	if _, explicit := s.scope.files[path]; explicit {
		if err := s.source.follow(path); err != nil {
			return err
		}
		s.look(path)
		return nil
	}
	if _, root := s.scope.roots[path]; root {
		if err := s.source.follow(path); err != nil {
			return err
		}
		return s.scan(path)
	}
	return s.visitEntry(path)
}

// visitEntry looks at an entry of a watched directory.
func (s *session) visitEntry(path string) error {
	if _, listed := s.scope.dirs[filepath.Dir(path)]; !listed {
		// Known by a link that is no longer in scope, or a directory that went away.
		s.source.unfollow(path)
		s.lookIfSeen(path)
		return nil
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		s.source.unfollow(path)
	case info.IsDir():
		s.lookIfSeen(path)
		if s.scope.skipsDir(path) {
			return nil
		}
		return s.scan(path)
	}
	if _, was := s.scope.dirs[path]; was {
		delete(s.scope.dirs, path)
		if err := s.revisit(path, nil); err != nil {
			return err
		}
	}
	if s.scope.skipsFile(path) {
		return nil
	}
	if err == nil && info.Mode()&os.ModeSymlink != 0 {
		if target, err := os.Stat(path); err == nil && target.IsDir() {
			return nil
		}
		if err := s.source.follow(path); err != nil {
			return err
		}
	}
	s.look(path)
	return nil
}

// scan looks at every file of a directory tree, and at those which were there before and are not now.
func (s *session) scan(dir string) error {
	found := make(map[string]struct{})
	if err := s.walk(dir, found); err != nil {
		return err
	}
	return s.revisit(dir, found)
}

// walk looks at every file of a directory tree and adds all it came by to found. A directory enters the watch before it is
// listed: what is created in between is then found twice rather than never.
func (s *session) walk(dir string, found map[string]struct{}) error {
	if err := s.source.enter(dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	_, root := s.scope.roots[dir]
	if err != nil || isCache(entries) && !root {
		s.log.Debug("directory not watched: gone, not listable, or a cache", zap.String("path", dir), zap.Error(err))
		delete(s.scope.dirs, dir)
		return nil
	}
	s.scope.dirs[dir] = struct{}{}
	found[dir] = struct{}{}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			s.lookIfSeen(path) // it may have been a file
			if s.scope.skipsDir(path) {
				continue
			}
			err = s.walk(path, found)
		case s.scope.skipsFile(path):
			continue
		case entry.Type().IsRegular():
			found[path] = struct{}{}
			s.look(path)
		default:
			found[path] = struct{}{}
			err = s.visitEntry(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// revisit looks at what was known below a directory and has not been found there.
func (s *session) revisit(dir string, found map[string]struct{}) error {
	for path := range s.scope.dirs {
		if _, ok := found[path]; !ok && below(path, dir) {
			delete(s.scope.dirs, path)
		}
	}
	var lost []string
	for path := range s.disk.seen {
		if _, ok := found[path]; !ok && below(path, dir) {
			lost = append(lost, path)
		}
	}
	for _, path := range lost {
		if err := s.visit(path); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) lookIfSeen(path string) {
	if _, seen := s.disk.seen[path]; seen {
		s.look(path)
	}
}

// look compares one file with what is known of it.
func (s *session) look(path string) {
	s.looked = true
	c, touched, err := s.disk.look(path)
	if err != nil {
		s.log.Debug("file cannot be read now", zap.String("path", path), zap.Error(err))
		return
	}
	changed := s.tracker.observe(path, c, s.at)
	if !changed && touched {
		s.tracker.stir(s.at)
	}
	if changed || touched || s.event {
		s.log.Debug("file examined", zap.String("path", path), zap.Bool("changed", changed), zap.Int64("size", c.size), zap.Bool("exists", c.exists))
	}
}
