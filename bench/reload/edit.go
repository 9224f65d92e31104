package reload

import (
	"bytes"
	"context"
	_ "embed" // for the plugin's source
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed source/logic.c
var logic []byte

//go:embed source/logic.h
var header []byte

// build is the usual build command.
const build = "cc -shared -fPIC -o logic.so logic.c"

// source is a directory with the sample plugin.
type source struct {
	dir   string
	edits int
}

func newSource(parent, name string) (*source, error) {
	s := &source{dir: filepath.Join(parent, name)}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "logic.h"), header, 0o600); err != nil {
		return nil, err
	}
	return s, s.save(logic)
}

// path is the file that is edited.
func (s *source) path() string { return filepath.Join(s.dir, "logic.c") }

// save writes the file as editors do: in turn in place, and by renaming a new file over it.
func (s *source) save(content []byte) error {
	if s.edits++; s.edits%2 == 1 {
		return os.WriteFile(s.path(), content, 0o600)
	}
	next := s.path() + "~"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		return err
	}
	return os.Rename(next, s.path())
}

// edit returns the source with another score per tick.
func edit(score int) ([]byte, error) {
	const before = "#define SCORE_PER_TICK 1\n"
	if bytes.Count(logic, []byte(before)) != 1 {
		return nil, fmt.Errorf("edit the sample plugin: expected %q in it once", before)
	}
	return bytes.Replace(logic, []byte(before), fmt.Appendf(nil, "#define SCORE_PER_TICK %d\n", score), 1), nil
}

// compile runs the build command alone and returns how long it took.
func (s *source) compile(ctx context.Context) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", build)
	cmd.Dir = s.dir
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	return time.Since(start), nil
}
