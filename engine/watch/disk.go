package watch

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

const (
	// largeFile is the size in bytes above which files are compared by size and modification time.
	largeFile = 64 << 20
	// racyAge is how old a file's last change must be for its stamp to be trusted: a file that changes twice within the
	// resolution of its file system's clock (2 s on FAT) has the same stamp twice.
	racyAge = 2 * time.Second
)

// content is what a file holds, comparable; the zero value is "no regular file there".
type content struct {
	exists bool
	size   int64
	sum    [sha256.Size]byte // of a large file: its modification time
}

// hollow reports whether the file is gone or empty, as files are for a moment while they are saved.
func (c content) hollow() bool { return !c.exists || c.size == 0 }

// sighting is what a look at a file found.
type sighting struct {
	stamp   stamp
	content content
	trusted bool // the same stamp means the same content
}

// disk looks at files and remembers what it saw. Not safe for concurrent use.
type disk struct {
	seen map[string]sighting // every file that was there at the last look
	// Seams for tests, else constants.
	large int64
	racy  time.Duration
}

func newDisk() *disk {
	return &disk{seen: make(map[string]sighting), large: largeFile, racy: racyAge}
}

// look returns what the file holds and whether its stamp is another than at the last look. An error means that the file is
// there but cannot be read now; it then counts as not looked at.
func (d *disk) look(path string) (c content, touched bool, err error) {
	before := d.seen[path]
	now, err := examine(path, before, d.large, d.racy)
	if err != nil {
		before.trusted = false
		d.seen[path] = before
		return content{}, false, err
	}
	if now.content.exists {
		d.seen[path] = now
	} else {
		delete(d.seen, path)
	}
	return now.content, now.stamp != before.stamp, nil
}

// examine looks at the file, and reads it unless its stamp is that of an earlier, trusted sighting.
func examine(path string, before sighting, large int64, racy time.Duration) (sighting, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() { // never open a FIFO
		return sighting{}, unlessGone(err)
	}
	if now := stampOf(info); before.trusted && now == before.stamp {
		return before, nil
	} else if info.Size() > large {
		return sighting{stamp: now, content: largeContent(info), trusted: true}, nil
	}

	file, err := os.OpenFile(path, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return sighting{}, unlessGone(err)
	}
	defer file.Close() //nolint:errcheck // opened for reading
	started := time.Now()
	if info, err = file.Stat(); err != nil || !info.Mode().IsRegular() {
		return sighting{}, unlessGone(err)
	}
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return sighting{}, fmt.Errorf("read %s: %w", path, err)
	}
	after, err := file.Stat()
	if err != nil {
		return sighting{}, fmt.Errorf("examine %s: %w", path, err)
	}
	now := sighting{stamp: stampOf(info), content: content{exists: true, size: size}}
	hash.Sum(now.content.sum[:0])
	now.trusted = stampOf(after) == now.stamp && started.Sub(now.stamp.changed()).Abs() > racy
	return now, nil
}

func largeContent(info os.FileInfo) content {
	c := content{exists: true, size: info.Size()}
	binary.BigEndian.PutUint64(c.sum[:], uint64(info.ModTime().UnixNano()))
	return c
}

// unlessGone drops the errors which say that nothing is at a path.
func unlessGone(err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) {
		return nil
	}
	return err
}
