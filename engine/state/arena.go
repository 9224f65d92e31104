package state

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// shardAlign is the size of a cache line: no two shards share one, so two workers never contend for it.
	shardAlign = 64
	// maxStateSize bounds one shard, so that a plugin's garbage state_size is refused rather than mapped.
	maxStateSize = 1 << 30
	// maxArenaSize bounds the sum of all shards.
	maxArenaSize = 1 << 40
)

// An Arena is the memory of all shards: one shared mapping of a file, anonymous or a state file, page-aligned, outside
// the Go heap, with an inaccessible page on either side. Shard i starts i strides after the base. The mapping neither
// moves nor grows until Close. The methods are safe for concurrent use, Close apart; the bytes are not, see Shard.
type Arena struct {
	stateSize uint64
	stride    uint64
	shards    int
	reserved  unsafe.Pointer // the first guard page
	length    uintptr        // of the reservation, both guard pages included
	base      unsafe.Pointer
	file      *os.File
	offset    int64    // of shard 0 in file
	undo      *UndoLog // nil unless file is a state file
	side      []byte   // the mapping of what the undo log is in
}

// NewArena maps zeroed memory for so many shards of stateSize bytes each. It refuses an empty state, a state above
// 1 GiB, fewer than one shard, more than 1 TiB in all, and what the kernel refuses. Memory is used only where it is
// touched.
func NewArena(stateSize uint64, shards int) (*Arena, error) {
	if err := checkShape(stateSize, shards); err != nil {
		return nil, fmt.Errorf("state arena: %w", err)
	}
	page := uint64(os.Getpagesize())
	length := (strideOf(stateSize)*uint64(shards) + page - 1) / page * page
	file, err := anonymousFile(int64(length))
	if err != nil {
		return nil, fmt.Errorf("state arena of %d bytes: %w", length, err)
	}
	a, err := mapArena(file, 0, stateSize, shards)
	if err != nil {
		_ = file.Close()
	}
	return a, err
}

// checkShape refuses what no arena can be made of.
func checkShape(stateSize uint64, shards int) error {
	switch {
	case stateSize == 0:
		return errors.New("the state size is 0, expected 1 byte or more")
	case stateSize > maxStateSize:
		return fmt.Errorf("a state of %d bytes, expected at most %d (1 GiB)", stateSize, maxStateSize)
	case shards < 1:
		return fmt.Errorf("%d shards, expected 1 or more", shards)
	case uint64(shards) > maxArenaSize/strideOf(stateSize):
		return fmt.Errorf("%d shards of %d bytes, expected at most %d bytes (1 TiB) in all",
			shards, strideOf(stateSize), uint64(maxArenaSize))
	}
	return nil
}

// strideOf returns the distance in bytes between two shards of stateSize bytes.
func strideOf(stateSize uint64) uint64 { return (stateSize + shardAlign - 1) / shardAlign * shardAlign }

// mapArena maps the shards that are in file from offset on, a multiple of the page size, up to a whole page. The arena
// owns the file unless there is an error.
func mapArena(file *os.File, offset int64, stateSize uint64, shards int) (*Arena, error) {
	page := uint64(os.Getpagesize())
	length := (strideOf(stateSize)*uint64(shards) + page - 1) / page * page
	a := &Arena{stateSize: stateSize, stride: strideOf(stateSize), shards: shards, file: file, offset: offset}
	if err := a.mapGuarded(uintptr(length), uintptr(page)); err != nil {
		return nil, fmt.Errorf("state arena of %d bytes: %w", length, err)
	}
	return a, nil
}

// mapGuarded reserves length bytes and a page on either side without access, then puts the file in the middle. The
// reservation comes first, so that nothing else can be mapped where the guard pages are.
func (a *Arena) mapGuarded(length, page uintptr) error {
	whole := length + 2*page
	reserved, err := unix.MmapPtr(-1, 0, nil, whole, unix.PROT_NONE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("reserve the addresses: %w", err)
	}
	base := unsafe.Add(reserved, page)
	_, err = unix.MmapPtr(int(a.file.Fd()), a.offset, base, length, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED|unix.MAP_FIXED|unix.MAP_NORESERVE)
	if err != nil {
		_ = unix.MunmapPtr(reserved, whole)
		return fmt.Errorf("map the file: %w", err)
	}
	// A process that a plugin forks goes on in the middle of a tick: without this, on the very state of the host.
	if err := unix.Madvise(unsafe.Slice((*byte)(base), length), unix.MADV_DONTFORK); err != nil {
		_ = unix.MunmapPtr(reserved, whole)
		return fmt.Errorf("keep the state from forked processes: %w", err)
	}
	a.reserved, a.length, a.base = reserved, whole, base
	return nil
}

// Base returns the address of shard 0, a multiple of the page size.
func (a *Arena) Base() uintptr { return uintptr(a.base) }

// Stride returns the distance in bytes between the starts of two neighbouring shards: the state size rounded up to 64.
func (a *Arena) Stride() uintptr { return uintptr(a.stride) }

// StateSize returns the size in bytes of one shard's state.
func (a *Arena) StateSize() uint64 { return a.stateSize }

// Shards returns the number of shards.
func (a *Arena) Shards() int { return a.shards }

// Shard returns the StateSize bytes of shard i, a view and no copy. While workers tick, only the one that owns the shard
// may touch them, between two of its ticks; anyone else asks that worker for a copy. It panics if there is no shard i.
func (a *Arena) Shard(i int) []byte {
	if i < 0 || i >= a.shards {
		panic(fmt.Sprintf("state: shard %d of %d", i, a.shards))
	}
	return unsafe.Slice((*byte)(unsafe.Add(a.base, uintptr(i)*uintptr(a.stride))), a.stateSize)
}

// Bytes returns the memory of all shards, Shards times Stride bytes, under the same rule as Shard.
func (a *Arena) Bytes() []byte {
	return unsafe.Slice((*byte)(a.base), uintptr(a.shards)*uintptr(a.stride))
}

// Populate brings all pages into memory, so that whoever writes them first does not pay for that. Failure to do so is no
// error.
func (a *Arena) Populate() { _ = unix.Madvise(a.Bytes(), unix.MADV_POPULATE_WRITE) }

// File returns the file behind the mapping. A child process that inherits it can map the same memory, private
// (copy-on-write) or shared; shard 0 is at Offset. The file belongs to the arena: do not close it.
func (a *Arena) File() *os.File { return a.file }

// Offset returns where in the file shard 0 is, a multiple of the page size.
func (a *Arena) Offset() int64 { return a.offset }

// UndoLog returns the undo log of a state file, nil for memory that ends with the process.
func (a *Arena) UndoLog() *UndoLog { return a.undo }

// Close unmaps the memory and closes the file. Every slice and address taken from the arena is invalid from then on, so
// no worker may be running. Calling it again does nothing.
func (a *Arena) Close() error {
	if a.base == nil {
		return nil
	}
	unmapped := unix.MunmapPtr(a.reserved, a.length)
	if a.side != nil {
		unmapped = errors.Join(unmapped, unix.Munmap(a.side))
	}
	closed := a.file.Close()
	a.base, a.reserved, a.shards, a.side, a.undo = nil, nil, 0, nil, nil
	if unmapped != nil {
		return fmt.Errorf("unmap the state arena: %w", unmapped)
	}
	if closed != nil {
		return fmt.Errorf("close the state arena: %w", closed)
	}
	return nil
}
