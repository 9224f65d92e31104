package artifact

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Artifact is one library in a Store: its bytes never change.
type Artifact struct {
	// Hash is the SHA-256 of the bytes, and the artifact's identity.
	Hash Hash
	// Name is the base name under which it was first taken, made safe for file names, such as "logic.so".
	Name string
	// Size is in bytes.
	Size int64
	// Path is the store's copy. It is there to be read: what dlopen gets is a Shadow.
	Path string
	// Report is what Inspect found.
	Report *Report

	order uint64 // of arrival in the store
}

// Store keeps artifacts in a private directory that one host uses at a time. Its methods are safe for concurrent use.
type Store struct {
	dir  string
	lock *os.File

	mu        sync.Mutex // guards what follows; never held while files are copied
	artifacts map[Hash]*Artifact
	shadows   map[string]bool // by path
	arrivals  uint64
	closed    bool
}

// errClosed is what a closed store answers.
var errClosed = errors.New("artifact store: closed")

// Open opens the store in dir, which it creates with its parents if need be, for this process alone: it fails if another
// host has it open, if the directory belongs to another user, or if its file system forbids executable mappings. What
// hosts that died have left there is removed; other files are not touched.
func Open(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("artifact store: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("artifact store: create the directory: %w", err)
	}
	if err := makePrivate(dir); err != nil {
		return nil, err
	}
	lock, err := lockStore(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	if err := removeLeftovers(dir); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return &Store{dir: dir, lock: lock, artifacts: map[Hash]*Artifact{}, shadows: map[string]bool{}}, nil
}

// makePrivate makes sure that nobody else can put a library where the host will load it.
func makePrivate(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("artifact store: %w", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("artifact store: %s belongs to user %d: expected one of user %d; choose another directory", dir, owner.Uid, os.Geteuid())
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("artifact store: make the directory private: %w", err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("artifact store: %s: %w", dir, err)
	}
	if fs.Flags&unix.ST_NOEXEC != 0 {
		return fmt.Errorf("artifact store: %s is on a file system mounted noexec, from which no library can be loaded; choose another directory", dir)
	}
	return nil
}

// lockStore takes the lock that the kernel releases when this process ends, however it ends.
func lockStore(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("artifact store: open the lock: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer func() { _ = file.Close() }()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("artifact store: lock %s: %w", path, err)
		}
		holder := make([]byte, 20)
		n, _ := file.Read(holder) // without the number the message is no less true
		return nil, fmt.Errorf("artifact store: %s is in use by process %s: end that host or choose another directory",
			filepath.Dir(path), cmp.Or(strings.TrimSpace(string(holder[:n])), "unknown"))
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("artifact store: write the lock: %w", err)
	}
	return file, nil
}

// removeLeftovers removes the files that a store makes, and nothing else: the directory may be one that the user has
// other things in.
func removeLeftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("artifact store: %w", err)
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() && storeFile.MatchString(entry.Name()) {
			if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
				return fmt.Errorf("artifact store: remove a leftover: %w", err)
			}
		}
	}
	return nil
}

// Artifacts returns all artifacts in the order in which they were first taken.
func (s *Store) Artifacts() []*Artifact {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Artifact, 0, len(s.artifacts))
	for _, a := range s.artifacts {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *Artifact) int { return cmp.Compare(a.order, b.order) })
	return all
}

// Get returns the artifact with the given hash; ok is false if the store does not have it.
func (s *Store) Get(hash Hash) (a *Artifact, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok = s.artifacts[hash]
	return a, ok
}

// Forget removes the artifact with the given hash, if the store has it. Its shadows stay.
func (s *Store) Forget(hash Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.artifacts[hash]; ok {
		delete(s.artifacts, hash)
		_ = os.Remove(a.Path) // what stays is removed by the next Open
	}
}

// add makes the file at temporary an artifact, or drops it if the store has its bytes already.
func (s *Store) add(temporary string, a *Artifact) (*Artifact, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if known, ok := s.artifacts[a.Hash]; ok {
		return known, nil
	}
	if err := os.Rename(temporary, a.Path); err != nil {
		return nil, fmt.Errorf("artifact store: keep %s: %w", a.Name, err)
	}
	s.arrivals++
	a.order = s.arrivals
	s.artifacts[a.Hash] = a
	return a, nil
}

// Close removes all artifacts and gives the directory up. Shadows that were not released stay, because the libraries are
// still mapped and a debugger may want to read them; the next Open removes them. A second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, a := range s.artifacts {
		errs = append(errs, os.Remove(a.Path))
	}
	clear(s.artifacts)
	return errors.Join(append(errs, s.lock.Close())...)
}
