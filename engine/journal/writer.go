package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Writer appends one run to a journal. Its methods are for one goroutine.
type Writer struct {
	file   *os.File
	joined bool // the file ends in the middle of a line
}

// ErrForeign says that a file is no journal.
var ErrForeign = errors.New("not a journal: its first line is no header")

// Open opens the journal at path to append a run, and makes it if there is none. It refuses a file that is something
// else, and one to which another host writes.
func Open(path string) (*Writer, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	w := &Writer{file: file}
	if err := w.inspect(); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	return w, nil
}

// inspect locks the file and looks at how it begins and ends.
func (w *Writer) inspect() error {
	if err := unix.Flock(int(w.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return errors.New("another host writes to it: name another file")
	} else if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	info, err := w.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("expected a file, found %v", info.Mode().Type())
	}
	if info.Size() == 0 {
		return nil
	}
	if _, err := readHeader(io.NewSectionReader(w.file, 0, maxLine)); err != nil {
		return fmt.Errorf("%w; name another file", err)
	}
	last := make([]byte, 1)
	if _, err := w.file.ReadAt(last, info.Size()-1); err != nil {
		return err
	}
	w.joined = last[0] != '\n'
	return nil
}

// Begin writes the header.
func (w *Writer) Begin(h Header) error {
	h.Journal = Version
	return w.append(h)
}

// Append writes one entry.
func (w *Writer) Append(e Entry) error { return w.append(e) }

func (w *Writer) append(line any) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if w.joined { // a host was killed in the middle of a line
		text, w.joined = append([]byte{'\n'}, text...), false
	}
	_, err = w.file.Write(text)
	return err
}

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }
