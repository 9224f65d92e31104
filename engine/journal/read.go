package journal

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds the length of a line; one of ours is far shorter.
const maxLine = 1 << 16

// Run is the history of one run.
type Run struct {
	Header
	Entries []Entry
	Lines   []int // of the entries, from 1
	Cut     bool  // the last line is not whole

	published map[uint64]bool // generations
	newest    *Entry          // publication
}

// End returns the entry with the end of the run, nil if the host was killed.
func (r *Run) End() *Entry {
	if n := len(r.Entries); n > 0 && r.Entries[n-1].Kind == End {
		return &r.Entries[n-1]
	}
	return nil
}

// A LineError is a line that does not belong into a journal.
type LineError struct {
	Line   int // from 1
	Reason string
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// ErrEmpty says that nothing was written into a journal.
var ErrEmpty = errors.New("the journal is empty: the host has ended before its first generation ran")

// Read reads all runs of a journal and checks that each is one: its lines are whole, apart from the last, and tell of a
// history. Errors are ErrForeign, ErrEmpty, a *LineError, or those of r.
func Read(r io.Reader) ([]Run, error) {
	in := bufio.NewReaderSize(r, maxLine)
	var runs []Run
	var bad *LineError // a line that may be the cut end of a run
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0 && number == 1:
			return nil, ErrEmpty
		case errors.Is(err, io.EOF) && len(line) == 0:
			return finish(runs, bad)
		case errors.Is(err, bufio.ErrBufferFull) && len(runs) > 0:
			return nil, &LineError{number, fmt.Sprintf("expected at most %d bytes", maxLine)}
		case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
		whole := err == nil
		header, isHeader := parseHeader(line)
		switch {
		case isHeader && whole:
			if reason := header.check(); reason != "" {
				return nil, &LineError{number, reason}
			}
			if bad != nil {
				runs[len(runs)-1].Cut, bad = true, nil
			}
			runs = append(runs, Run{Header: header})
		case len(runs) == 0:
			return nil, ErrForeign
		case bad != nil:
			return nil, bad
		default:
			run := &runs[len(runs)-1]
			entry, reason := parseEntry(line)
			if reason == "" && !whole {
				reason = "it does not end"
			}
			if reason != "" {
				if bad = (&LineError{number, reason}); !whole {
					run.Cut, bad = true, nil
				}
				continue
			}
			if reason := run.admits(&entry); reason != "" {
				return nil, &LineError{number, reason}
			}
			run.add(entry, number)
		}
	}
}

func (r *Run) add(e Entry, line int) {
	r.Entries, r.Lines = append(r.Entries, e), append(r.Lines, line)
	if e.Published() {
		if r.published == nil {
			r.published = make(map[uint64]bool)
		}
		r.published[e.Generation], r.newest = true, &e
	}
}

// finish ends Read.
func finish(runs []Run, bad *LineError) ([]Run, error) {
	switch {
	case bad != nil: // a cut line has no end
		return nil, bad
	case len(runs) == 0:
		return nil, ErrForeign
	}
	return runs, nil
}

// readHeader reads the first line.
func readHeader(r io.Reader) (Header, error) {
	line, err := bufio.NewReaderSize(r, maxLine).ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return Header{}, ErrForeign
	}
	h, ok := parseHeader(line)
	if !ok {
		return h, ErrForeign
	}
	return h, nil
}

func parseHeader(line []byte) (h Header, ok bool) {
	return h, json.Unmarshal(line, &h) == nil && h.Journal != 0
}

// check says what is wrong with the header, "" for nothing.
func (h *Header) check() string {
	switch {
	case h.Journal != Version:
		return fmt.Sprintf("expected version %d of the format, got %d: it takes the hotreload that wrote it", Version, h.Journal)
	case h.Shards < 1:
		return fmt.Sprintf("shards: expected 1 or more, got %d", h.Shards)
	case h.DT <= 0:
		return fmt.Sprintf("dt_ns: expected more than 0, got %d", h.DT)
	case h.Swap != "aligned" && h.Swap != "immediate":
		return fmt.Sprintf("swap: expected aligned or immediate, got %q", h.Swap)
	}
	return ""
}

func parseEntry(line []byte) (e Entry, reason string) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, fmt.Sprintf("expected an entry of a journal: %v", err)
	}
	if d.More() {
		return e, "expected one entry of a journal, got more"
	}
	return e, ""
}

// admits says why e cannot be the next entry of the run, "" if it can.
func (r *Run) admits(e *Entry) string {
	last := r.newest
	switch {
	case r.End() != nil:
		return "expected nothing after the end of the run"
	case (e.Kind == Begin) != (last == nil):
		return fmt.Sprintf("expected the first entry, and no other, to be %q, got %q", Begin, e.Kind)
	}
	switch e.Kind {
	case Begin, Swap, Rollback:
		switch hash, err := hex.DecodeString(e.Artifact); {
		case err != nil || len(hash) != 32:
			return fmt.Sprintf("artifact: expected a SHA-256, got %q", e.Artifact)
		case e.Kind == Begin && e.Tick != 0 && !r.Resumed:
			return fmt.Sprintf("tick: expected 0, got %d", e.Tick)
		case last != nil && (e.Generation <= last.Generation || e.Tick < last.Tick):
			return fmt.Sprintf("expected a generation after %d and a tick not before %d, got %d at %d", last.Generation, last.Tick, e.Generation, e.Tick)
		}
	case Leave:
		switch {
		case e.First < 0 || e.Count < 1 || e.First > r.Shards-e.Count:
			return fmt.Sprintf("expected shards among 0 to %d, got %d from %d on", r.Shards-1, e.Count, e.First)
		case !r.published[e.Generation]:
			return fmt.Sprintf("expected a generation from the lines before, got %d", e.Generation)
		case e.By != 0 && !r.published[e.By]:
			return fmt.Sprintf("by: expected a generation from the lines before, got %d", e.By)
		}
	case Fault, Withdrawn:
	case End:
		if last != nil && e.Tick < last.Tick {
			return fmt.Sprintf("tick: expected one not before %d, got %d", last.Tick, e.Tick)
		}
	default:
		return fmt.Sprintf("kind: expected one that this hotreload knows, got %q", e.Kind)
	}
	return ""
}
