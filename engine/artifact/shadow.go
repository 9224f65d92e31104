package artifact

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Shadow makes a private file of the artifact for the given generation to dlopen, and returns its path: the artifact's
// name, the generation and the hash, as in logic.gen000007.1f0c52aa.so. Its inode is its own, because dlopen hands back
// an already loaded library for an inode it knows, and nobody writes to it, because that would crash a process which has
// it mapped. It fails if the generation has a shadow already; generations are never reused.
//
// The copy is made by the kernel, and on file systems that can share blocks it takes no space.
func (s *Store) Shadow(a *Artifact, generation uint64) (string, error) {
	path := filepath.Join(s.dir, shadowName(a, generation))
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return "", errClosed
	}
	if err := copyFile(path, a); err != nil {
		return "", fmt.Errorf("artifact store: shadow of %s for generation %d: %w", a.Name, generation, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shadows[path] = true
	return path, nil
}

// copyFile copies the artifact to a new file at path; on error it leaves none.
func copyFile(path string, a *Artifact) (err error) {
	from, err := os.Open(a.Path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, to.Close())
		if err != nil {
			_ = os.Remove(path) // the first error is the one to report
		}
	}()
	n, err := io.Copy(to, from) // copy_file_range
	if err != nil {
		return err
	}
	if n != a.Size {
		return fmt.Errorf("expected %d bytes, copied %d", a.Size, n)
	}
	return nil
}

// Release removes a shadow. It must only be called after the library has been seen to be unmapped: a library that is
// still mapped keeps its file, for debuggers to read. Other paths are ignored. A file that cannot be removed stays until
// the next Open.
func (s *Store) Release(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shadows[path] {
		delete(s.shadows, path)
		_ = os.Remove(path)
	}
}
