package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// DefaultTimeout is how long a build may run when Config.Timeout is zero.
const DefaultTimeout = 2 * time.Minute

// Config says what to build and where.
type Config struct {
	// Command is the build command, run through /bin/sh -c.
	Command string
	// Dir is the directory the command runs in; empty means the current directory at the time of New.
	Dir string
	// Library is the file the command leaves; empty means that it is derived, see Builder.Library.
	Library string
	// Source is the first watched path, from which the library's name is derived when the command does not tell it.
	Source string
	// Depfile is a make-style dependency file which the command writes; empty if there is none.
	Depfile string
	// Timeout limits one build; zero means DefaultTimeout.
	Timeout time.Duration
	// Scratch is a private directory for the dependency file that GCC writes; empty means that GCC is not asked for one.
	Scratch string
}

// New returns a Builder for config. It runs nothing and creates nothing. It fails if the command is empty, the directory
// does not exist, or the library's path can be derived from neither the command nor the source.
func New(config Config) (*Builder, error) {
	if strings.TrimSpace(config.Command) == "" {
		return nil, errors.New("build: the command is empty: expected a shell command that leaves a shared library")
	}
	if config.Timeout < 0 {
		return nil, fmt.Errorf("build: timeout %v: expected a positive duration", config.Timeout)
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("build: resolve the directory %q: %w", config.Dir, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("build: open the directory: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("build: %s: expected a directory to run the command in", dir)
	}
	config.Dir = dir
	config.Source = under(dir, config.Source)
	config.Depfile = under(dir, config.Depfile)
	if config.Scratch != "" {
		if config.Scratch, err = filepath.Abs(config.Scratch); err != nil {
			return nil, fmt.Errorf("build: resolve the scratch directory: %w", err)
		}
	}
	commands := splitCommands(config.Command)
	config.Library = under(dir, config.Library)
	if config.Library == "" {
		config.Library = deriveLibrary(commands, dir, config.Source)
	}
	if config.Library == "" {
		return nil, errors.New("build: cannot tell which library the command leaves: it has no -o operand and no source is watched; name the library with --lib")
	}
	return &Builder{
		config: config,
		bases:  append([]string{dir}, visitedDirectories(commands, dir)...),
		turn:   make(chan struct{}, 1),
	}, nil
}

// under returns path as an absolute path, relative paths being taken from dir; an empty path stays empty.
func under(dir, path string) string {
	switch {
	case path == "":
		return ""
	case filepath.IsAbs(path):
		return filepath.Clean(path)
	default:
		return filepath.Join(dir, path)
	}
}
