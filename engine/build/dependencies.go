package build

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxDepfile bounds how much of a dependency file is read, in bytes; 1 MiB holds some ten thousand names.
const maxDepfile = 4 << 20

// systemDirectories hold files that come with the system or a toolchain and are not edited while a plugin is.
var systemDirectories = []string{"/usr", "/lib", "/lib32", "/lib64", "/opt", "/bin", "/sbin", "/etc", "/nix", "/gnu", "/proc", "/sys", "/dev", "/run/current-system"}

// dependencies reads the given dependency files and returns the regular files they name as prerequisites: absolute,
// sorted, each once, without system files and without what the build itself makes. A file that is missing or cannot be
// read names nothing: dependencies add to what is watched, and a build is no worse for having none.
func dependencies(files []string, bases []string, library string) []string {
	var found []string
	made := map[string]bool{library: true}
	for _, file := range files {
		content, err := readBounded(file, maxDepfile)
		if err != nil {
			continue
		}
		parsed := parseDepfile(content)
		for _, target := range parsed.targets {
			for _, base := range bases {
				// A depfile may state "header.h:" for every header, so that make does not mind a deleted one: such
				// a rule makes nothing.
				if !slices.Contains(parsed.prerequisites, target) || isObject(target) {
					made[under(base, target)] = true
				}
			}
		}
		for _, name := range parsed.prerequisites {
			if path, ok := resolve(name, bases); ok {
				found = append(found, path)
			}
		}
	}
	found = slices.DeleteFunc(found, func(path string) bool {
		return made[path] || isObject(path) || isSystem(path, bases)
	})
	slices.Sort(found)
	return slices.Compact(found)
}

// resolve finds the regular file that name means: the compiler took it relative to a directory which the dependency
// file does not state, so the first of bases that has it wins.
func resolve(name string, bases []string) (string, bool) {
	for _, base := range bases {
		path := under(base, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, true
		}
	}
	return "", false
}

// isObject reports whether the name is that of a file which only a compiler or linker writes; a linker's dependency
// file names them, and to watch them would be to build for ever.
func isObject(path string) bool {
	switch filepath.Ext(path) {
	case ".o", ".lo", ".a", ".so", ".d", ".pch", ".gch", ".rlib", ".rmeta":
		return true
	}
	return strings.Contains(filepath.Base(path), ".so.")
}

// isSystem reports whether path lies in a system directory, unless one of bases does too and holds it: a project may
// live in /opt or /usr/src.
func isSystem(path string, bases []string) bool {
	for _, base := range bases {
		if inside(path, base) {
			return false
		}
	}
	return slices.ContainsFunc(systemDirectories, func(dir string) bool { return inside(path, dir) })
}

func inside(path, dir string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

func readBounded(path string, limit int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, limit))
	return string(content), err
}
