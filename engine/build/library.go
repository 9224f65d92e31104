package build

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// deriveLibrary returns the absolute path of the library which the commands leave, or "" if nothing tells it: the last
// output ending in .so, else the last -o operand, else the source with its extension replaced by .so. Outputs are taken
// relative to the directory which the cd commands before them lead to.
func deriveLibrary(commands [][]word, dir, source string) string {
	var last, lastShared string
	walk(commands, dir, func(at string, words []word) {
		for _, out := range outputs(words) {
			if !out.literal || out.text == "" || at == "" && !filepath.IsAbs(out.text) {
				continue
			}
			last = under(at, out.text)
			if strings.HasSuffix(out.text, ".so") {
				lastShared = last
			}
		}
	})
	switch {
	case lastShared != "":
		return lastShared
	case last != "":
		return last
	case source != "":
		return strings.TrimSuffix(source, filepath.Ext(source)) + ".so"
	default:
		return ""
	}
}

// visitedDirectories returns the directories besides dir in which the commands run programs: the operands of cd and of
// make -C. Dependency files name their files relative to one of these.
func visitedDirectories(commands [][]word, dir string) []string {
	var visited []string
	walk(commands, dir, func(at string, words []word) {
		if at != "" && at != dir {
			visited = append(visited, at)
		}
		for i, w := range words[:len(words)-1] {
			if next := words[i+1]; w.text == "-C" && next.literal && at != "" {
				visited = append(visited, under(at, next.text))
			}
		}
	})
	return visited
}

// walk calls visit for each command but cd, with the directory it runs in: "" if a cd before it cannot be followed.
func walk(commands [][]word, dir string, visit func(at string, words []word)) {
	for _, words := range commands {
		if words[0].text != "cd" || len(words) != 2 {
			visit(dir, words)
			continue
		}
		switch to := words[1]; {
		case !to.literal || to.text == "-" || dir == "" && !filepath.IsAbs(to.text):
			dir = ""
		default:
			dir = under(dir, to.text)
		}
	}
}

// outputs returns the operands which name a file that the command writes, in order: -o x, -ox, --output x, --output=x,
// zig's -femit-bin=x, and the destination of mv, cp, ln and install if it is a library (a build that renames its library
// into place).
func outputs(words []word) []word {
	var found []word
	for i, w := range words {
		if w.text == "-o" || w.text == "--output" {
			if i+1 < len(words) {
				found = append(found, words[i+1])
			}
			continue
		}
		for _, prefix := range []string{"--output=", "-femit-bin=", "-o"} {
			if operand, ok := strings.CutPrefix(w.text, prefix); ok {
				found = append(found, word{text: operand, literal: w.literal})
				break
			}
		}
	}
	switch last := words[len(words)-1]; filepath.Base(words[0].text) {
	case "mv", "cp", "ln", "install":
		if len(words) > 2 && strings.HasSuffix(last.text, ".so") {
			found = append(found, last)
		}
	}
	return found
}

// fingerprint tells two versions of a file apart without reading them: any write changes the times, and a replacement
// changes the inode.
type fingerprint struct {
	device, inode uint64
	size          int64
	mtime, ctime  syscall.Timespec
}

// fingerprintOf returns the zero fingerprint if path is not a regular file.
func fingerprintOf(path string) fingerprint {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return fingerprint{}
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fingerprint{size: info.Size(), mtime: syscall.NsecToTimespec(info.ModTime().UnixNano())}
	}
	return fingerprint{
		device: stat.Dev, inode: stat.Ino, size: stat.Size,
		mtime: stat.Mtim, ctime: stat.Ctim,
	}
}
