package state

import (
	"fmt"
	"sync/atomic"
	"unsafe"
)

// An UndoLog says how far each shard of a state file has come, and keeps its bytes from before what is being done to it.
// It makes a state survive its process at any moment: whoever changes a shard first calls Keep or Open, and when the
// change is complete Complete or Settle. After a crash, Recover returns each shard that was being changed to its bytes
// from before.
//
// A shard's entry belongs to whoever owns the shard. A process that is killed stops between two instructions and leaves
// all that it stored before in the page cache, in the order of the program; the compiler keeps to that order around
// atomic operations. Losing power is another matter: nothing orders the pages on their way to the disk.
type UndoLog struct {
	entries []entry
	memory  []byte // of all shards
	undo    []byte // as long
	stride  int
}

// entry is the place of one shard's word, a cache line: no two workers contend for one.
type entry struct {
	word atomic.Uint64 // ticks completed, and a phase
	_    [shardAlign - 8]byte
}

const entrySize = unsafe.Sizeof(entry{})

// A phase is what a shard is in, the lowest bits of its word. A file of zeros holds unborn shards at tick 0.
const (
	unborn = iota // init has not completed: the bytes mean nothing
	whole         // the bytes are those after so many ticks
	open          // they are being changed; those in undo are those after so many ticks
	phases

	phaseBits = 2
)

// maxTicks is above any number of ticks that can be reached: a higher one is damage.
const maxTicks = 1 << 60

func word(ticks uint64, phase uint64) uint64 { return ticks<<phaseBits | phase }

// Keep copies the shards [from, to) before the change that tick makes of them. They have completed the ticks before it.
func (l *UndoLog) Keep(from, to int, tick uint64) {
	low, high := from*l.stride, to*l.stride
	copy(l.undo[low:high], l.memory[low:high])
	for i := from; i < to; i++ {
		l.entries[i].word.Store(word(tick, open)) // after the copy: from here on it is the copy that counts
	}
}

// Complete says that the shards [from, to) have completed so many ticks, those that are held or unborn included: ticks
// pass them by.
func (l *UndoLog) Complete(from, to int, ticks uint64) {
	for i := from; i < to; i++ {
		w := &l.entries[i].word
		if w.Load()%(1<<phaseBits) == unborn {
			w.Store(word(ticks, unborn))
			continue
		}
		w.Store(word(ticks, whole)) // after the change, which was made before: from here on the memory counts again
	}
}

// Open copies shard i before a change between two ticks. It does nothing, and returns false, for a shard that is open
// already, in the middle of a tick say, or unborn.
func (l *UndoLog) Open(i int) bool {
	w := l.entries[i].word.Load()
	if w%(1<<phaseBits) != whole {
		return false
	}
	l.Keep(i, i+1, w>>phaseBits)
	return true
}

// Settle says that a change of shard i between two ticks is complete, be it its birth.
func (l *UndoLog) Settle(i int) {
	w := &l.entries[i].word
	w.Store(word(w.Load()>>phaseBits, whole))
}

// Arrive says that shard i, which has come from elsewhere, has completed so many ticks, and whether it is born.
func (l *UndoLog) Arrive(i int, ticks uint64, born bool) {
	phase := uint64(unborn)
	if born {
		phase = whole
	}
	l.entries[i].word.Store(word(ticks, phase))
}

// Copies returns the bytes that Keep and Open copied, laid out as those of Arena.Bytes.
func (l *UndoLog) Copies() []byte { return l.undo }

// Ticks returns how many ticks shard i has completed.
func (l *UndoLog) Ticks(i int) uint64 { return l.entries[i].word.Load() >> phaseBits }

// Born tells whether shard i has had its init.
func (l *UndoLog) Born(i int) bool { return l.entries[i].word.Load()%(1<<phaseBits) != unborn }

// Span returns the least and the most ticks that any of the shards [from, to) has completed.
func (l *UndoLog) Span(from, to int) (least, most uint64) {
	least = l.Ticks(from)
	for i := from; i < to; i++ {
		least, most = min(least, l.Ticks(i)), max(most, l.Ticks(i))
	}
	return least, most
}

// Recover gives every shard that was being changed its bytes from before, and those that were never born zeros. It
// returns how many of the former there were. It may be cut short itself, and called again. No worker may be running.
func (l *UndoLog) Recover() (undone int) {
	for i := range l.entries {
		low, high := i*l.stride, (i+1)*l.stride
		switch l.entries[i].word.Load() % (1 << phaseBits) {
		case open:
			copy(l.memory[low:high], l.undo[low:high])
			l.Settle(i)
			undone++
		case unborn:
			clear(l.memory[low:high])
		}
	}
	return undone
}

// check returns an error when an entry is none that an UndoLog writes.
func (l *UndoLog) check() error {
	for i := range l.entries {
		w := l.entries[i].word.Load()
		if w%(1<<phaseBits) >= phases || w>>phaseBits > maxTicks {
			return fmt.Errorf("the record of shard %d is damaged: %#x", i, w)
		}
	}
	return nil
}
