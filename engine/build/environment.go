package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// localeCategories are those that LC_ALL stands for, without LC_MESSAGES.
var localeCategories = []string{
	"LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_PAPER", "LC_NAME", "LC_ADDRESS",
	"LC_TELEPHONE", "LC_MEASUREMENT", "LC_IDENTIFICATION",
}

// environment returns the host's environment with two changes. Messages are in English, whatever the user's language,
// because the finder looks for the English words; the other locale categories, such as the character set, stay: an
// LC_ALL, which would outrank LC_MESSAGES, is spread over them. And GCC is asked to write dependencies, if depfile is
// not empty.
func environment(host []string, depfile string) []string {
	env := make([]string, 0, len(host)+len(localeCategories)+2)
	for _, entry := range host {
		name, value, _ := strings.Cut(entry, "=")
		switch name {
		case "LC_MESSAGES":
		case "LC_ALL":
			if value != "" {
				for _, category := range localeCategories {
					env = append(env, category+"="+value)
				}
				env = append(env, "LANG="+value)
			}
		default:
			env = append(env, entry)
		}
	}
	env = append(env, "LC_MESSAGES=C")
	if depfile != "" {
		env = append(env, "DEPENDENCIES_OUTPUT="+depfile)
	}
	return env
}

// compilerDepfile is the file that GCC writes to, under the two names it has.
type compilerDepfile struct {
	path string // for the host
	name string // for GCC, which takes a space in the variable as the end of the name
	dir  *os.File
}

// newCompilerDepfile makes the scratch directory if need be and removes what an earlier build left there: GCC appends.
func newCompilerDepfile(scratch string) (compilerDepfile, error) {
	if scratch == "" {
		return compilerDepfile{}, nil
	}
	d := compilerDepfile{path: filepath.Join(scratch, "deps")}
	d.name = d.path
	// A compiler that cannot write the file fails, so the directory must be there.
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return d, fmt.Errorf("build: make the scratch directory: %w", err)
	}
	if err := os.Remove(d.path); err != nil && !os.IsNotExist(err) {
		return d, fmt.Errorf("build: remove the last dependency file: %w", err)
	}
	if strings.ContainsRune(scratch, ' ') {
		dir, err := os.Open(scratch)
		if err != nil {
			return d, fmt.Errorf("build: open the scratch directory: %w", err)
		}
		d.dir = dir
		d.name = fmt.Sprintf("/proc/%d/fd/%d/deps", os.Getpid(), dir.Fd())
	}
	return d, nil
}

func (d compilerDepfile) close() {
	if d.dir != nil {
		_ = d.dir.Close()
	}
}
