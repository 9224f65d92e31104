package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// scope is what is watched, in the names the user knows: absolute paths, links not resolved. Not safe for concurrent use.
type scope struct {
	files   map[string]struct{} // named by the user or added: never ignored
	roots   map[string]struct{} // directories named by the user
	dirs    map[string]struct{} // roots and directories below them that were there when last listed
	exclude func(path string) bool
}

func newScope(exclude func(path string) bool) *scope {
	return &scope{
		files:   make(map[string]struct{}),
		roots:   make(map[string]struct{}),
		dirs:    make(map[string]struct{}),
		exclude: exclude,
	}
}

// skipsFile reports whether a file found in a directory is ignored.
func (s *scope) skipsFile(path string) bool {
	if _, explicit := s.files[path]; explicit {
		return false
	}
	name := filepath.Base(path)
	return matchesAny(editorNoise, name) || matchesAny(buildProducts, name) || s.exclude(path)
}

// skipsDir reports whether a directory found in a directory is ignored with all below it.
func (s *scope) skipsDir(path string) bool {
	if _, root := s.roots[path]; root {
		return false
	}
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") || name == "node_modules" || s.exclude(path)
}

// remote returns an error if something that the user named lies on a file system which sends no events for changes made
// elsewhere.
func (s *scope) remote() error {
	for path := range s.files {
		if err := remote(filepath.Dir(path)); err != nil {
			return err
		}
		// The file may be a link to elsewhere.
		if physical, err := filepath.EvalSymlinks(path); err == nil {
			if err := remote(filepath.Dir(physical)); err != nil {
				return err
			}
		}
	}
	for path := range s.roots {
		if err := remote(path); err != nil {
			return err
		}
	}
	return nil
}

// editorNoise are the names that editors and file systems give to files of their own.
var editorNoise = []string{
	"*~", ".*.sw?", "4913", // vim: backup, swap, and the file by which it tries whether a directory is writable
	"#*#", ".#*", // emacs: auto-save, lock
	"*.tmp", "*.tmp?", "*.tmp.*", // write and rename
	"*___jb_tmp___", "*___jb_old___", // JetBrains
	".goutputstream-*", // gedit
	"*.crswap",         // browsers
	".nfs*", ".fuse_hidden*", ".DS_Store",
}

// buildProducts are what compilers write beside sources.
var buildProducts = []string{
	"*.so", "*.so.*", "*.o", "*.a", "*.d", "*.obj", "*.dylib", "*.dll", "*.pdb", "*.dwo", "*.gch", "*.pch",
}

func matchesAny(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if ok, err := filepath.Match(pattern, name); ok && err == nil {
			return true
		}
	}
	return false
}

// cacheTag marks a directory as holding what can be made again, as cargo does with target.
const cacheTag = "CACHEDIR.TAG"

func isCache(entries []os.DirEntry) bool {
	for _, entry := range entries {
		if entry.Name() == cacheTag {
			return true
		}
	}
	return false
}

// below reports whether path lies in the directory, at any depth.
func below(path, dir string) bool {
	if dir == string(filepath.Separator) {
		return path != dir
	}
	return len(path) > len(dir) && path[len(dir)] == filepath.Separator && strings.HasPrefix(path, dir)
}
