package trial

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ledger is a page that the child writes and the parent reads: how far the child has come, kept where neither a crash
// nor a library that closes all descriptors can take it away.
type ledger struct {
	words *[3]atomic.Uint32 // stage, turn, lost; in shared memory
	page  []byte
}

const (
	wordStage = iota // index in stages
	wordTurn         // the tick, from 1
	wordLost         // 1: the child cannot reach its parent any more
)

// newLedger makes the page and the file by which the child maps it too.
func newLedger() (*ledger, *os.File, error) {
	fd, err := unix.MemfdCreate("hotreload-trial", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("create the ledger: %w", err)
	}
	file := os.NewFile(uintptr(fd), "hotreload-trial")
	if err := unix.Ftruncate(fd, int64(os.Getpagesize())); err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("size the ledger: %w", err)
	}
	l, err := mapLedger(fd)
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return l, file, nil
}

func mapLedger(fd int) (*ledger, error) {
	page, err := unix.Mmap(fd, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the ledger: %w", err)
	}
	// A page is larger and better aligned than the words.
	return &ledger{words: (*[3]atomic.Uint32)(unsafe.Pointer(unsafe.SliceData(page))), page: page}, nil
}

func (l *ledger) enter(s Stage) {
	for i, known := range stages {
		if s == known {
			l.words[wordTurn].Store(0)
			l.words[wordStage].Store(uint32(i))
		}
	}
}

func (l *ledger) turn(n int) { l.words[wordTurn].Store(uint32(n)) }

func (l *ledger) lose() { l.words[wordLost].Store(1) }

// read returns the stage, the tick within it, and whether the child has said that it is cut off. The library may have
// written anything there.
func (l *ledger) read() (s Stage, turn int, lost bool) {
	i := l.words[wordStage].Load()
	if i >= uint32(len(stages)) {
		i = 0
	}
	return stages[i], int(l.words[wordTurn].Load()), l.words[wordLost].Load() == 1
}

// close unmaps the page; the ledger must not be used afterwards.
func (l *ledger) close() { _ = unix.Munmap(l.page) }
