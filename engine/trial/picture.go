package trial

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// picture settles what the child is to copy from the live state, and returns the file in which it is.
func (q *request) picture(live *Live) (*os.File, error) {
	switch {
	case live == nil || q.loadOnly:
		return nil, nil
	case live.Addresses == Present:
		q.loadOnly = true
		return nil, nil
	}
	q.size, q.unsure, q.migrate, q.revision = live.StateSize, live.Addresses == Unknown, live.Migrate, live.Revision
	if !live.Unlike { // else it stays what no field table means
		q.meaning = meaning(live.Fields)
	}
	if len(live.Snapshot) > 0 {
		return q.pictureOf(live.Snapshot)
	}
	if live.Shards < 1 || live.Stride < live.StateSize || live.StateSize == 0 {
		return nil, fmt.Errorf("expected shards, got %d of %d bytes, %d apart", live.Shards, live.StateSize, live.Stride)
	}
	q.spread(live.Offset, live.Shards, live.Stride)
	// A descriptor of its own, without the right to write: the child's is the library's.
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", live.File.Fd()))
}

// pictureOf puts a snapshot into a file of its own.
func (q *request) pictureOf(snapshot [][]byte) (*os.File, error) {
	stride := (q.size + shardAlign - 1) / shardAlign * shardAlign
	fd, err := unix.MemfdCreate("hotreload-snapshot", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create the memory file: %w", err)
	}
	file := os.NewFile(uintptr(fd), "hotreload-snapshot")
	for i, shard := range snapshot {
		if uint64(len(shard)) != q.size {
			err = errors.Join(err, fmt.Errorf("shard %d of the snapshot has %d bytes, expected %d", i, len(shard), q.size))
			break
		}
		if _, e := file.WriteAt(shard, int64(uint64(i)*stride)); e != nil {
			err = errors.Join(err, e)
			break
		}
	}
	if err == nil { // whole pages, for a shard that is mapped
		page := uint64(os.Getpagesize())
		err = file.Truncate(int64((stride*uint64(len(snapshot)) + page - 1) / page * page))
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	q.spread(0, len(snapshot), stride)
	return file, nil
}

// spread chooses shards that lie evenly apart, the first, which is at offset, among them.
func (q *request) spread(offset uint64, shards int, stride uint64) {
	n := tried(shards, q.size)
	q.copies = make([]uint64, n)
	for i := range q.copies {
		q.copies[i] = offset + uint64(i*shards/n)*stride
	}
}

// processorSeconds is the limit of a child's processor time that goes with a limit of its wall-clock time: a net below
// the one that the parent holds, for when the parent is stopped.
func processorSeconds(timeout time.Duration) uint64 {
	return uint64(timeout/time.Second+2) * uint64(runtime.NumCPU())
}
