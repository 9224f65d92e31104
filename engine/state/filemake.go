package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// This file is how a state file comes to its name, leaves it to another, and goes.

// CreateFile makes a state file at path, where there must be none: zeroed shards that are unborn, and h. It appears under
// its name when it is complete. Its space is taken at once, so that a full disk is an error here and not in a tick.
func CreateFile(path string, h Header) (*File, error) {
	f, err := CreateBeside(path, h)
	if err != nil {
		return nil, err
	}
	if err := os.Link(f.hidden, path); err != nil {
		_ = f.Close()
		if errors.Is(err, fs.ErrExist) {
			err = errors.New("there is one since a moment ago: start again")
		}
		return nil, fmt.Errorf("make the state file %s: %w", path, err)
	}
	f.unhide()
	return f, syncDirectory(filepath.Dir(path))
}

// CreateBeside makes a state file that is to take the place of the one at path, in the same directory under a hidden name.
func CreateBeside(path string, h Header) (f *File, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("make the state file %s: %w", path, err)
		}
	}()
	if err := checkShape(h.StateSize, h.Shards); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), temporary(path)+"*")
	if err != nil {
		return nil, err
	}
	f = &File{path: path, hidden: file.Name(), file: file, header: h}
	if err := f.fill(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Yield gives the file a hidden name, by which it can come back when another has taken its place. It goes with Close.
func (f *File) Yield() error {
	if f.hidden != "" {
		return nil
	}
	name := filepath.Join(filepath.Dir(f.path), fmt.Sprintf("%s%d.%d", temporary(f.path), os.Getpid(), f.file.Fd()))
	if err := os.Link(f.path, name); err != nil {
		return fmt.Errorf("keep the state file %s: %w", f.path, err)
	}
	f.hidden = name
	return nil
}

// Take puts the file in the place of the one at its path, in one step.
func (f *File) Take() error {
	hidden := f.hidden
	f.hidden = "" // whatever happens, this is the state: it stays
	if err := os.Rename(hidden, f.path); err != nil {
		return fmt.Errorf("the state is in %s, and could not take the place of %s: %w", hidden, f.path, err)
	}
	return nil
}

// unhide removes the hidden name.
func (f *File) unhide() {
	if f.hidden != "" {
		_ = os.Remove(f.hidden)
		f.hidden = ""
	}
}

// temporary returns how the names begin that a state file has while it is being made.
func temporary(path string) string { return "." + filepath.Base(path) + "." }

// IsFile tells whether other is the state file at path, or becomes it.
func IsFile(path, other string) bool {
	return other == path || filepath.Dir(other) == filepath.Dir(path) && strings.HasPrefix(filepath.Base(other), temporary(path))
}

// Sweep removes the files that processes which were killed have left beside f: unfinished, or in the middle of a migration.
func (f *File) Sweep() {
	dir := filepath.Dir(f.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // the next owner may see them
	}
	for _, e := range entries {
		number, found := strings.CutPrefix(e.Name(), temporary(f.path))
		path := filepath.Join(dir, e.Name())
		if !found || strings.Trim(number, "0123456789.") != "" || path == f.hidden {
			continue
		}
		if left, err := os.Open(path); err == nil {
			if lock(left) == nil { // nobody has it
				_ = os.Remove(path)
			}
			_ = left.Close()
		}
	}
}

// fill makes an empty file a state file.
func (f *File) fill() error {
	end := partsOf(f.header.StateSize, f.header.Shards).end
	if err := lock(f.file); err != nil {
		return err
	}
	if err := reserve(f.file, end); err != nil {
		return fmt.Errorf("reserve %d bytes: %w", end, err)
	}
	for range 2 { // both copies
		if err := f.Write(f.header); err != nil {
			return err
		}
	}
	if err := f.file.Sync(); err != nil {
		return err
	}
	return f.mapParts()
}

// reserve gives an empty file so many bytes of zeros that are really there.
func reserve(file *os.File, size int64) error {
	for {
		switch err := unix.Fallocate(int(file.Fd()), 0, 0, size); {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EOPNOTSUPP):
			return writeZeros(file, size)
		default:
			return err
		}
	}
}

// writeZeros reserves space where the file system cannot.
func writeZeros(file *os.File, size int64) error {
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := file.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at); err != nil {
			return err
		}
	}
	return nil
}

func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return dir.Sync()
}
