package control

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const mediaTypeStream = "text/event-stream"

// newRun returns a name for this run that no other has.
func newRun() string {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

func newRecord(ev Event) record {
	data, err := json.Marshal(ev)
	if err != nil {
		data = []byte("{}") // an Event holds nothing that JSON cannot
	}
	return record{ev.Seq, ev.Kind, data}
}

// id is the event id that a reader shows to go on after seq.
func (s *Server) id(seq uint64) string { return fmt.Sprintf("%s-%d", s.run, seq) }

// position returns the seq after which a reader goes on, from its Last-Event-ID.
func (s *Server) position(r *http.Request) (seq uint64, gap *Gap, p *Problem) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		return 0, nil, nil
	}
	run, number, ok := strings.Cut(text, "-")
	seq, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || len(run) != len(s.run) {
		return 0, nil, problem(http.StatusBadRequest, "bad-request", "Last-Event-ID: expected the id of an event, got %.100q", text)
	}
	if run != s.run {
		return 0, &Gap{Restarted: true}, nil
	}
	if newest := s.ring.newest(); seq > newest {
		return 0, nil, problem(http.StatusBadRequest, "bad-request", "Last-Event-ID: expected one up to %s, got %s", s.id(newest), text)
	}
	return seq, nil, nil
}

// listEvents answers with the events that are kept, or, if the client accepts a stream, with those and all that come.
// Without Last-Event-ID it begins with the oldest kept.
func (s *Server) listEvents(w http.ResponseWriter, r *http.Request) {
	if _, p := query(r); p != nil {
		p.write(w)
		return
	}
	seq, gap, p := s.position(r)
	if p != nil {
		p.write(w)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), mediaTypeStream) {
		s.stream(w, r, seq, gap)
		return
	}
	all := Events{Last: s.id(seq), Events: []Event{}}
	for {
		b := s.ring.after(seq)
		if len(b.records) == 0 {
			answer(w, all)
			return
		}
		for _, rec := range b.records {
			var ev Event
			if json.Unmarshal(rec.data, &ev) == nil {
				all.Events = append(all.Events, ev)
			}
			seq = rec.seq
		}
		all.Last = s.id(seq)
	}
}

// stream sends events as they happen. A reader that does not read in time is let go, and may resume.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, seq uint64, gap *Gap) {
	if !s.streams.take() {
		w.Header().Set("Retry-After", "5")
		problem(http.StatusServiceUnavailable, "busy", "%d streams are open, which is all there are: try again", cap(s.streams)).write(w)
		return
	}
	defer s.streams.free()
	h := w.Header()
	h.Set("Content-Type", mediaTypeStream)
	h.Set("X-Accel-Buffering", "no")
	to := &reader{w: w, control: http.NewResponseController(w)}
	to.printf("retry: 1000\n\n")
	heartbeat := time.NewTicker(s.cfg.limits.heartbeat)
	defer heartbeat.Stop()
	resumed := r.Header.Get("Last-Event-ID") != ""
	for {
		b := s.ring.after(seq)
		if b.gap != nil && (resumed || seq > 0) { // who begins has missed nothing
			if gap == nil {
				gap = &Gap{}
			}
			gap.From, gap.To = b.gap.From, b.gap.To
		}
		if gap != nil {
			to.gap(gap)
			gap = nil
		}
		for _, rec := range b.records {
			to.printf("id: %s\nevent: %s\ndata: %s\n\n", s.id(rec.seq), rec.kind, rec.data)
			seq = rec.seq
		}
		if to.flush() != nil || b.end {
			return
		}
		if len(b.records) > 0 {
			continue
		}
		select {
		case <-b.more:
		case <-heartbeat.C:
			to.printf(": still here\n\n")
		case <-r.Context().Done():
			return
		}
	}
}

// reader is the client of a stream.
type reader struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (to *reader) printf(format string, args ...any) {
	if to.err == nil {
		_, to.err = fmt.Fprintf(to.w, format, args...)
	}
}

func (to *reader) gap(g *Gap) {
	data, err := json.Marshal(g)
	if err != nil {
		return // a Gap holds nothing that JSON cannot
	}
	to.printf("event: %s\ndata: %s\n\n", KindGap, data)
}

func (to *reader) flush() error {
	if to.err == nil {
		to.err = to.control.Flush()
	}
	return to.err
}
