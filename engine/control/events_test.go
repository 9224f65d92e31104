package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/build"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

// A reader of the ring sees every event once and in order, or a gap in their place: no event is lost without a word.
func TestRingLosesNothingSilently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 100).Draw(t, "size")
		r := newRing(size)
		written, read := uint64(0), uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				for range rapid.IntRange(1, 150).Draw(t, "n") {
					written += uint64(rapid.SampledFrom([]int{1, 1, 1, 1, 3}).Draw(t, "step"))
					r.add(record{seq: written})
				}
			},
			"read": func(t *rapid.T) {
				b := r.after(read)
				if len(b.records) > batchSize || len(b.records) > size {
					t.Fatalf("%d records at once", len(b.records))
				}
				if b.gap != nil {
					if b.gap.From != read+1 || b.gap.To < b.gap.From {
						t.Fatalf("after %d: gap %+v", read, b.gap)
					}
					read = b.gap.To
				}
				for _, rec := range b.records {
					if rec.seq != read+1 {
						t.Fatalf("after %d came %d without a gap", read, rec.seq)
					}
					read = rec.seq
				}
				if len(b.records) == 0 && read != written {
					t.Fatalf("nothing after %d, but %d were written", read, written)
				}
			},
		})
	})
}

// stream opens the stream of events on a connection of its own.
func stream(t *testing.T, c *Client, last string) (lines *bufio.Scanner, close func()) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, c.base+"/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", mediaTypeStream)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	got, err := c.do(r.WithContext(ctx)) //nolint:bodyclose // the caller closes it through close
	if err != nil || got.Header.Get("Content-Type") != mediaTypeStream {
		t.Fatalf("no stream: %v", err)
	}
	return bufio.NewScanner(got.Body), func() { cancel(); _ = got.Body.Close() }
}

// next returns the lines of the next event.
func next(t *testing.T, lines *bufio.Scanner) (id, kind, data string) {
	t.Helper()
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			data = value
		case "":
			if kind != "" {
				return id, kind, data
			}
		}
	}
	t.Fatalf("the stream has ended: %v", lines.Err())
	return
}

func TestStreamResumesBehindTheLastEvent(t *testing.T) {
	h := newFakeHost()
	few := usualLimits
	few.events, few.end = 4, 50*time.Millisecond
	s := serve(t, h, Config{limits: few})
	c := clientOf(t, s)
	lines, end := stream(t, c, "")
	h.send(engine.Event{Kind: engine.Changed, Paths: []string{"logic.c"}})
	id, kind, data := next(t, lines)
	if id != s.id(1) || kind != "changed" || !strings.Contains(data, `"paths":["logic.c"]`) {
		t.Fatalf("%q %q %q", id, kind, data)
	}
	end()

	h.send(engine.Event{Kind: engine.Built})
	eventually(t, "record", func() bool { return s.ring.newest() == 2 })
	lines, end = stream(t, c, id)
	if id, kind, _ = next(t, lines); id != s.id(2) || kind != "built" {
		t.Errorf("resumed with %q %q", id, kind)
	}
	end()

	for range 6 { // 3 to 8, of which 5 to 8 are kept
		h.send(engine.Event{Kind: engine.Built})
	}
	eventually(t, "records", func() bool { return s.ring.newest() == 8 })
	lines, end = stream(t, c, id)
	if id, kind, data = next(t, lines); id != "" || kind != KindGap || data != `{"missed_from":3,"missed_to":4,"restarted":false}` {
		t.Errorf("after a gap: %q %q %q", id, kind, data)
	}
	if id, _, _ = next(t, lines); id != s.id(5) {
		t.Errorf("behind the gap: %q", id)
	}
	end()

	lines, end = stream(t, c, strings.Repeat("0", 16)+"-2")
	if _, kind, data = next(t, lines); kind != KindGap || !strings.Contains(data, `"restarted":true`) {
		t.Errorf("after another run: %q %q", kind, data)
	}
	end()
	lines, end = stream(t, c, "")
	if _, kind, _ = next(t, lines); kind != "built" {
		t.Errorf("who begins has missed nothing, but gets %q", kind)
	}
	end()
	for _, bad := range []string{"x", "-", s.run, s.run + "-", s.run + "-x", s.id(9)} {
		if got, err := exchange(t, c, "GET", "/v1/events", nil, "Last-Event-ID", bad); err != nil || got.status != http.StatusBadRequest {
			t.Errorf("Last-Event-ID %q: %d %v", bad, got.status, err)
		}
	}
}

// Many read, some never do: the host sends on as if they were not there, and those who read get everything.
func TestReadersThatNeverReadDisturbNobody(t *testing.T) {
	const readers, deaf, events = 20, 10, 60
	h := newFakeHost()
	short := usualLimits
	short.events, short.stall, short.end = events, 2*time.Second, 50*time.Millisecond
	s := serve(t, h, Config{limits: short})
	for range deaf {
		if _, err := fmt.Fprint(dial(t, s), "GET /v1/events HTTP/1.1\r\nHost: hotreload\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var group errgroup.Group
	for range readers {
		c := clientOf(t, s)
		group.Go(func() error {
			seen := uint64(0)
			return c.Follow(ctx, func(ev Event) error {
				if seen++; ev.Seq != seen {
					return fmt.Errorf("event %d in the place of %d", ev.Seq, seen)
				}
				return nil
			}, func(gap Gap) error { return fmt.Errorf("gap %+v", gap) })
		})
	}
	eventually(t, "readers", func() bool { return len(s.streams) == readers+deaf })
	long := strings.Repeat("x", 8000)
	for range events - 1 {
		h.send(engine.Event{Kind: engine.Changed, Paths: []string{long}})
	}
	h.send(engine.Event{Kind: engine.Ended})
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	eventually(t, "end of those who do not read", func() bool { return len(s.streams) == 0 })
}

func TestStreamsAreLimited(t *testing.T) {
	few := usualLimits
	few.streams, few.end = 1, 50*time.Millisecond
	s := serve(t, newFakeHost(), Config{limits: few})
	c := clientOf(t, s)
	_, end := stream(t, c, "")
	defer end()
	got, err := exchange(t, c, "GET", "/v1/events", nil, "Accept", mediaTypeStream)
	if err != nil || got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %v, want 503 with Retry-After", got.status, err)
	}
}

func TestStreamsShowSignsOfLife(t *testing.T) {
	lively := usualLimits
	lively.heartbeat, lively.end = 5*time.Millisecond, 50*time.Millisecond
	lines, end := stream(t, clientOf(t, serve(t, newFakeHost(), Config{limits: lively})), "")
	defer end()
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), ":") {
			return
		}
	}
	t.Error("none came")
}

// The last event of a run reaches those who follow, and then they are let go.
func TestFollowersSeeTheEnd(t *testing.T) {
	h := newFakeHost()
	s := serve(t, h, Config{})
	var kinds []string
	var group errgroup.Group
	c := clientOf(t, s)
	group.Go(func() error {
		return c.Follow(context.Background(), func(ev Event) error {
			kinds = append(kinds, ev.Kind)
			return nil
		}, func(gap Gap) error { return fmt.Errorf("gap %+v", gap) })
	})
	eventually(t, "reader", func() bool { return len(s.streams) == 1 })
	h.send(engine.Event{Kind: engine.Swapped})
	h.send(engine.Event{Kind: engine.Ended})
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(kinds) != "[swapped ended]" {
		t.Errorf("saw %v", kinds)
	}
}

func TestFollowReturnsWhatItsReaderSays(t *testing.T) {
	h := newFakeHost()
	c := clientOf(t, serve(t, h, Config{}))
	h.send(engine.Event{Kind: engine.Swapped})
	enough := errors.New("enough")
	if err := c.Follow(t.Context(), func(Event) error { return enough }, nil); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := c.Follow(ctx, func(Event) error { cancel(enough); return nil }, nil); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}

func TestAFailedBuildSaysWhere(t *testing.T) {
	diagnostic := build.Diagnostic{File: "logic.c", Line: 3, Column: 7, Severity: "error", Text: "expected ';'"}
	err := &engine.StageError{Stage: engine.StageBuild, Err: &build.Failure{Diagnostic: diagnostic}}
	ev := newEvent(engine.Event{Kind: engine.Rejected, Err: err})
	if ev.Stage != "build" || ev.Error != "error: expected ';'" || ev.Place != "logic.c:3:7" {
		t.Errorf("%+v", ev)
	}
	if o := newOutcome(err); o.Place != ev.Place || o.Error != ev.Error {
		t.Errorf("%+v", o)
	}
}
