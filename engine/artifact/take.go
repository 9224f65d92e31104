package artifact

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// unstableFor is how long Take waits for a file that keeps changing.
	unstableFor = 2 * time.Second
	firstPause  = 2 * time.Millisecond
	lastPause   = 100 * time.Millisecond

	// coarse is the longest time two writes may be apart and still leave the same modification time: the tick of the
	// kernel's clock, at 100 Hz, and the same again for safety.
	coarse = 20 * time.Millisecond
)

// errUnstable says that the file changed while it was read.
var errUnstable = errors.New("the file kept changing while it was read: expected a build that has ended")

// Take copies the library at src into the store and inspects the copy. The copy is of one state of the file: if it is
// written to or replaced meanwhile, Take reads it again, for about two seconds at most or until ctx is done. Bytes that
// the store has already yield the artifact it has.
//
// The error is a *Refusal if the file cannot be read or loaded; nothing of it is kept then.
func (s *Store) Take(ctx context.Context, src string) (*Artifact, error) {
	deadline := time.Now().Add(unstableFor)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		a, err := s.takeOnce(ctx, src)
		if !errors.Is(err, errUnstable) || time.Now().After(deadline) {
			return a, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("artifact: take %s: %w", src, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

func (s *Store) takeOnce(ctx context.Context, src string) (*Artifact, error) {
	file, size, err := open(src)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	before, err := stateOf(file.Stat())
	if err != nil {
		return nil, unreadable(src, cause(err))
	}
	return s.keep(src, func(w io.Writer) error {
		n, err := io.Copy(w, &stoppable{ctx, file})
		if err != nil {
			return fmt.Errorf("artifact: read %s: %w", src, err)
		}
		if n != size || !unchanged(before, file, src) {
			return errUnstable
		}
		return nil
	}, func(sum Hash) error {
		if time.Since(before.modified()) > coarse {
			return nil
		}
		// A write in the same tick of the clock as the last one may not show in the times: read again, to compare.
		again := sha256.New()
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return unreadable(src, cause(err))
		}
		if _, err := io.Copy(again, &stoppable{ctx, file}); err != nil {
			return fmt.Errorf("artifact: read %s again: %w", src, err)
		}
		if Hash(again.Sum(nil)) != sum || !unchanged(before, file, src) {
			return errUnstable
		}
		return nil
	})
}

// Put stores the library that r yields under the given name, and inspects it. It fails if there are more than limit
// bytes; a limit of zero, or above MaxSize, means MaxSize. The error is a *Refusal if the library cannot be loaded;
// nothing of it is kept then.
func (s *Store) Put(name string, r io.Reader, limit int64) (*Artifact, error) {
	if limit <= 0 || limit > MaxSize {
		limit = MaxSize
	}
	name = safeName(name)
	return s.keep(name, func(w io.Writer) error {
		n, err := io.Copy(w, io.LimitReader(r, limit+1))
		switch {
		case err != nil:
			return fmt.Errorf("artifact: receive %s: %w", name, err)
		case n > limit:
			return refuse(name, CheckSize, fmt.Sprintf("at most %d bytes", limit), "more")
		default:
			return checkSize(name, n)
		}
	}, func(Hash) error { return nil })
}

// keep has fill write a file, verify look at its hash, inspects it and adds it to the store. Whatever goes wrong, no
// temporary file stays.
func (s *Store) keep(src string, fill func(io.Writer) error, verify func(Hash) error) (*Artifact, error) {
	temporary, err := os.CreateTemp(s.dir, "incoming.*")
	if err != nil {
		return nil, fmt.Errorf("artifact store: %w", err)
	}
	defer func() {
		_ = temporary.Close()
		_ = os.Remove(temporary.Name()) // fails if it has become the artifact
	}()

	sum := sha256.New()
	if err := fill(io.MultiWriter(temporary, sum)); err != nil {
		return nil, err
	}
	hash := Hash(sum.Sum(nil))
	if err := verify(hash); err != nil {
		return nil, err
	}
	if known, ok := s.Get(hash); ok {
		return known, nil
	}
	info, err := temporary.Stat()
	if err != nil {
		return nil, fmt.Errorf("artifact store: %w", err)
	}
	report, err := inspect(src, temporary, info.Size())
	if err != nil {
		return nil, err
	}
	if err := temporary.Chmod(0o400); err != nil {
		return nil, fmt.Errorf("artifact store: protect the copy: %w", err)
	}
	return s.add(temporary.Name(), &Artifact{
		Hash: hash, Name: safeName(src), Size: info.Size(), Path: filepath.Join(s.dir, artifactName(hash)), Report: report,
	})
}

// fileState changes whenever a file is written to or replaced.
type fileState struct {
	device, inode uint64
	size          int64
	mtime, ctime  syscall.Timespec
}

// stateOf takes the results of Stat.
func stateOf(info os.FileInfo, err error) (fileState, error) {
	if err != nil {
		return fileState{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileState{}, fmt.Errorf("%s: the system does not tell its inode", info.Name())
	}
	return fileState{stat.Dev, stat.Ino, stat.Size, stat.Mtim, stat.Ctim}, nil
}

// modified returns the later of the two times.
func (s fileState) modified() time.Time {
	return time.Unix(0, max(s.mtime.Nano(), s.ctime.Nano()))
}

// unchanged reports whether the open file is still in the given state, and path still names it.
func unchanged(before fileState, file *os.File, path string) bool {
	open, err := stateOf(file.Stat())
	if err != nil || open != before {
		return false
	}
	named, err := stateOf(os.Stat(path))
	return err == nil && named == before
}

// stoppable reads until the context is done.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.r.Read(p)
}
