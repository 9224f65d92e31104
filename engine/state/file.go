package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A File is a state file: an arena that outlives its process. The file is the memory of the shards, so nothing is
// written to it tick by tick; an UndoLog beside them says how far each has come. It has one owner at a time, by a lock
// that ends with the process. Whoever tears a File open, with another program or by cutting it off, ends the process that
// has it.
//
// The parts of the file, each on a multiple of 64 KiB, so that machines with larger pages map it too:
//
//	two copies of the header, of which the newer one that is whole counts
//	the undo log's entries, a cache line for each shard
//	the undo log's copies of the shards
//	the shards
type File struct {
	path     string
	hidden   string // another name of it, or the one in place of path; "" without any
	file     *os.File
	arena    *Arena
	header   Header
	sequence uint64 // of the header that was written last
	damage   error
}

const filePart = maxHeader

// parts are where the parts of a file begin, and where it ends.
type parts struct{ entries, undo, shards, end int64 }

func partsOf(stateSize uint64, shards int) parts {
	part := func(n uint64) int64 { return int64((n + filePart - 1) / filePart * filePart) }
	bytes := part(strideOf(stateSize) * uint64(shards))
	p := parts{entries: 2 * filePart}
	p.undo = p.entries + part(uint64(entrySize)*uint64(shards))
	p.shards = p.undo + bytes
	p.end = p.shards + bytes
	return p
}

// FileError refuses a state file. The file is as it was.
type FileError struct {
	Path   string
	Reason error
}

// Error implements error.
func (e *FileError) Error() string {
	return fmt.Sprintf("state file %s: %v (the file is left as it is)", e.Path, e.Reason)
}

// Unwrap returns the reason.
func (e *FileError) Unwrap() error { return e.Reason }

// LockedError refuses a state file that another process has.
type LockedError struct {
	PID int // 0: not known
}

// Error implements error.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return "is in use by another process"
	}
	return fmt.Sprintf("is in use by process %d", e.PID)
}

// OpenFile opens the state file at path, locks and maps it. Nothing in it changes before the first use of its arena, of
// Write or of Seal. The error wraps fs.ErrNotExist when there is no such file; else it is a *FileError, of a file that is
// none, is damaged, or in use.
func OpenFile(path string) (*File, error) {
	f := &File{path: path}
	err := f.lock()
	if err == nil {
		if err = f.load(); err != nil {
			_ = f.Close()
		}
	}
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, &FileError{path, err}
	}
	return f, nil
}

// lock opens the file and locks it.
func (f *File) lock() error {
	for {
		file, err := os.OpenFile(f.path, os.O_RDWR|unix.O_NONBLOCK, 0) // at once, be it a pipe
		if err != nil {
			return errors.Unwrap(err) // without the path
		}
		info, err := file.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("is no regular file")
		}
		if err == nil {
			err = lock(file)
		}
		f.file = file
		if err != nil {
			if errors.Is(err, unix.EWOULDBLOCK) {
				err = &LockedError{f.owner()}
			}
			_ = file.Close()
			return err
		}
		if now, err := os.Stat(f.path); err != nil || os.SameFile(info, now) {
			return err
		}
		_ = file.Close() // another file has come in its place before the lock
	}
}

// lock locks file for this process. One that was killed may have left the lock for a moment to a child that it had just
// forked, and that has not yet become another program.
func lock(file *os.File) (err error) {
	const tries, pause = 20, 5 * time.Millisecond
	for range tries {
		if err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		time.Sleep(pause)
	}
	return err
}

// owner returns the process that the file names.
func (f *File) owner() int {
	if h, _, _, err := chooseHeader(f.copies()); err == nil && !h.Clean {
		return h.PID
	}
	return 0
}

// copies reads what is there of the two copies of the header.
func (f *File) copies() (copies [2][]byte) {
	for i := range copies {
		b := make([]byte, maxHeader)
		n, _ := f.file.ReadAt(b, int64(i)*maxHeader) // what cannot be read is not there
		copies[i] = b[:n]
	}
	return copies
}

// load reads the header, maps the rest and checks it.
func (f *File) load() error {
	h, sequence, damage, err := chooseHeader(f.copies())
	if err != nil {
		return err
	}
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if want := partsOf(h.StateSize, h.Shards).end; info.Size() != want {
		return fmt.Errorf("has %d bytes, expected %d: it was cut, or something was added", info.Size(), want)
	}
	f.header, f.sequence, f.damage = *h, sequence, damage
	if err := f.mapParts(); err != nil {
		return err
	}
	if err := f.arena.undo.check(); err != nil {
		return err
	}
	if h.Clean && f.sum() != h.Sum {
		return errors.New("the shards are damaged: their checksum does not match")
	}
	return nil
}

// mapParts maps the shards as an arena, and the undo log.
func (f *File) mapParts() error {
	h := &f.header
	at := partsOf(h.StateSize, h.Shards)
	side, err := unix.Mmap(int(f.file.Fd()), at.entries, int(at.shards-at.entries), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("map the undo log: %w", err)
	}
	if err := unix.Madvise(side, unix.MADV_DONTFORK); err != nil {
		_ = unix.Munmap(side)
		return fmt.Errorf("keep the undo log from forked processes: %w", err)
	}
	a, err := mapArena(f.file, at.shards, h.StateSize, h.Shards)
	if err != nil {
		_ = unix.Munmap(side)
		return err
	}
	undo := side[at.undo-at.entries:]
	a.side = side
	a.undo = &UndoLog{
		entries: unsafe.Slice((*entry)(unsafe.Pointer(unsafe.SliceData(side))), h.Shards),
		memory:  a.Bytes(), undo: undo[:len(a.Bytes())], stride: int(a.stride),
	}
	f.arena = a
	return nil
}

// Path returns the path by which the file was opened.
func (f *File) Path() string { return f.path }

// Header returns the header that was read or written last.
func (f *File) Header() Header { return f.header }

// Damage says what is wrong with one copy of the header that was read, nil when both are good.
func (f *File) Damage() error { return f.damage }

// Arena returns the shards. They belong to the file: Close it, not them.
func (f *File) Arena() *Arena { return f.arena }

// Write replaces the older copy of the header, so that one of them is whole at every moment. State size and number of
// shards stay as they are. It is not for concurrent use.
func (f *File) Write(h Header) error {
	f.sequence++
	if _, err := f.file.WriteAt(h.encode(magicFile, f.sequence), int64(f.sequence%2)*maxHeader); err != nil {
		return fmt.Errorf("write the header of %s: %w", f.path, err)
	}
	f.header = h
	return nil
}

// Seal ends the use of the file: it writes h with the checksum of all shards, and has all of it written to the disk. No
// worker may be running.
func (f *File) Seal(h Header) error {
	h.Clean, h.Sum = true, f.sum()
	if err := f.Write(h); err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("write %s to the disk: %w", f.path, err)
	}
	return nil
}

// sum returns the checksum of all shards and of how far they have come.
func (f *File) sum() (sum uint32) {
	a := f.arena
	for i := range a.shards {
		sum = crc32.Update(sum, castagnoli, binary.LittleEndian.AppendUint64(nil, a.undo.entries[i].word.Load()))
		sum = crc32.Update(sum, castagnoli, a.Shard(i))
	}
	return sum
}

// Close unmaps and unlocks the file, and removes it if it has but a hidden name. See Arena.Close.
func (f *File) Close() error {
	f.unhide()
	_ = unix.Flock(int(f.file.Fd()), unix.LOCK_UN) // or a child that is being forked would keep it
	if f.arena != nil {
		return f.arena.Close()
	}
	return f.file.Close()
}
