package control

import (
	"sort"
	"sync"
)

// ring keeps the newest events for readers of any speed. A writer never waits for one; a reader that falls behind what
// is kept finds that there is a gap.
type ring struct {
	mu      sync.Mutex
	kept    []record      // ascending by seq
	size    int           // how many are kept at most
	last    uint64        // the greatest seq so far
	closed  bool          // nothing more will come
	changed chan struct{} // closed, and replaced, by every change
}

// record is one event, encoded once for all readers.
type record struct {
	seq  uint64
	kind string
	data []byte // JSON
}

// batch is what a reader gets at once.
type batch struct {
	records []record
	gap     *Gap            // what is missing before the first of records
	more    <-chan struct{} // closed when there is more
	end     bool            // nothing will come after records
}

// batchSize bounds what a reader holds on to.
const batchSize = 64

func newRing(size int) *ring {
	return &ring{size: size, changed: make(chan struct{})}
}

func (r *ring) add(rec record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) >= r.size {
		r.kept = append(r.kept[:0], r.kept[len(r.kept)-r.size+1:]...)
	}
	r.kept, r.last = append(r.kept, rec), rec.seq
	r.wake()
}

func (r *ring) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.closed = true
		r.wake()
	}
}

func (r *ring) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// after returns the events that follow seq, batchSize at most.
func (r *ring) after(seq uint64) batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := sort.Search(len(r.kept), func(i int) bool { return r.kept[i].seq > seq })
	b := batch{records: append([]record(nil), r.kept[from:min(from+batchSize, len(r.kept))]...), more: r.changed}
	if len(b.records) == 0 {
		b.end = r.closed
		return b
	}
	// A batch ends before a gap inside of it, so that the gap comes first in the next one.
	if first := b.records[0].seq; first > seq+1 {
		b.gap = &Gap{From: seq + 1, To: first - 1}
	}
	for i := 1; i < len(b.records); i++ {
		if b.records[i].seq != b.records[i-1].seq+1 {
			b.records = b.records[:i]
			break
		}
	}
	return b
}

// newest returns the greatest seq so far.
func (r *ring) newest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}
