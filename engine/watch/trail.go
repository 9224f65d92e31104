package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxLinks is the number of links after which a path is taken for a loop, as the kernel does.
const maxLinks = 40

// trail is the way from a path, as the user named it, to what it means on the disk at this moment.
type trail struct {
	// entries are the physical paths of everything passed on the way, links as well as what they lead to, up to the
	// file or to the first entry that is missing. The path changes its meaning only if one of these is replaced.
	entries []string
	// dirs are the directories that must be watched to learn of that: those with a link on the way, and that of the
	// file or, if it is missing, the nearest that exists.
	dirs []string
	// parents are directories worth watching besides: the parent hears when a directory is moved or removed which is
	// still in use by somebody, and so sends no event itself.
	parents []string
}

// walkTrail follows the path as the disk is now. A missing part is not an error but the end of the trail.
func walkTrail(path string) trail {
	var t trail
	root, rest := split(path)
	at := root
	for links := 0; len(rest) > 0; {
		if rest[0] == ".." { // from a link; at holds none, so that its parent is what the kernel goes to
			at, rest = filepath.Dir(at), rest[1:]
			continue
		}
		entry := filepath.Join(at, rest[0])
		t.entries = append(t.entries, entry)
		info, err := os.Lstat(entry)
		if err != nil || links > maxLinks {
			return t.end(at)
		}
		rest = rest[1:]
		if info.Mode()&os.ModeSymlink == 0 {
			if len(rest) > 0 && !info.IsDir() {
				return t.end(at)
			}
			at = entry
			continue
		}
		links++
		t.dirs = append(t.dirs, at)
		target, err := os.Readlink(entry)
		if err != nil {
			return t
		}
		if filepath.IsAbs(target) {
			at, target = root, strings.TrimPrefix(target, root)
		}
		rest = append(names(target), rest...)
	}
	if info, err := os.Lstat(at); err == nil && info.IsDir() {
		t.parents = append(t.parents, filepath.Dir(at))
		return t
	}
	return t.end(filepath.Dir(at))
}

// end returns the trail with the directory of its last entry.
func (t trail) end(dir string) trail {
	t.dirs = append(t.dirs, dir)
	t.parents = append(t.parents, filepath.Dir(dir))
	return t
}

// split returns the root of an absolute path and the names below it.
func split(path string) (root string, rest []string) {
	root = path[:len(filepath.VolumeName(path))+1]
	return root, names(path[len(root):])
}

// names splits a path without cleaning it: "link/.." is the parent of what the link leads to.
func names(path string) []string {
	return slices.DeleteFunc(strings.Split(filepath.ToSlash(path), "/"), func(name string) bool {
		return name == "" || name == "."
	})
}
