package trial

import (
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"hotreload/engine/abi"
)

// request is what the parent sends: one message, with the file of the live state attached if there is one.
type request struct {
	path      string
	expect    abi.Expectation
	loadOnly  bool // stop after the guard
	ticks     int
	dt        float64
	seeds     []uint64          // of fresh shards; as many as there are to be
	copies    []uint64          // offsets in the file of the shards to copy; none: there is no file
	size      uint64            // of each
	meaning   [sha256.Size]byte // of the field table that the copies go with
	unsure    bool              // the copies may hold addresses
	migrate   bool              // who means something else by the copies takes them over by its migrate
	revision  int32             // of their layout
	processor uint64            // limit of processor time in seconds
}

const maxPath = 4095

func (r *request) encode() []byte {
	var e encoder
	e.text(r.path)
	e.number(r.expect.StateSize)
	e.flag(r.loadOnly)
	e.number(uint64(r.ticks))
	e.float(r.dt)
	for _, list := range [][]uint64{r.seeds, r.copies} {
		e.number(uint64(len(list)))
		for _, v := range list {
			e.number(v)
		}
	}
	e.number(r.size)
	e.text(string(r.meaning[:]))
	e.flag(r.unsure)
	e.flag(r.migrate)
	e.number(uint64(uint32(r.revision)))
	e.number(r.processor)
	return e.b
}

// decodeRequest reads a request and checks all that the child relies on.
func decodeRequest(message []byte) (*request, error) {
	d := decoder{b: message}
	r := &request{
		path:     d.text(),
		expect:   abi.Expectation{StateSize: d.number(math.MaxUint64)},
		loadOnly: d.flag(),
		ticks:    int(d.number(maxTicks)),
		dt:       d.float(),
	}
	for _, list := range []*[]uint64{&r.seeds, &r.copies} {
		for range d.number(maxShards) {
			*list = append(*list, d.number(math.MaxUint64))
		}
	}
	r.size = d.number(abi.MaxStateSize)
	if n := copy(r.meaning[:], d.text()); n != len(r.meaning) {
		d.bad = true
	}
	r.unsure = d.flag()
	r.migrate = d.flag()
	r.revision = int32(uint32(d.number(math.MaxUint32)))
	r.processor = d.number(math.MaxInt32)
	if err := d.done(); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	switch {
	case !filepath.IsAbs(r.path) || len(r.path) > maxPath || strings.ContainsRune(r.path, 0):
		return nil, fmt.Errorf("request: expected an absolute path, got %q", r.path)
	case len(r.seeds) == 0:
		return nil, fmt.Errorf("request: no shards")
	case len(r.copies) > 0 && r.size == 0:
		return nil, fmt.Errorf("request: copies of 0 bytes")
	case r.size > copyLimit && len(r.copies) > 1, len(r.copies) > 1 && r.size*uint64(len(r.copies)) > copyLimit:
		return nil, fmt.Errorf("request: %d copies of %d bytes, expected at most %d bytes", len(r.copies), r.size, copyLimit)
	}
	for _, offset := range r.copies {
		if offset > math.MaxInt64-abi.MaxStateSize || r.size > copyLimit && offset%uint64(os.Getpagesize()) != 0 {
			return nil, fmt.Errorf("request: a copy of %d bytes from offset %d", r.size, offset)
		}
	}
	return r, nil
}
