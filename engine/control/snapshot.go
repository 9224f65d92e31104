package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"hotreload/engine/state"

	"go.uber.org/zap"
)

const (
	snapshotPath      = "/v1/snapshot"
	mediaTypeSnapshot = "application/vnd.hotreload.snapshot"
	// headerTick tells the tick of a snapshot that is being sent.
	headerTick = "Hotreload-Tick"
)

// Restored is the answer to a restore.
type Restored struct {
	Tick uint64 `json:"tick"`      // before which all shards have changed
	From uint64 `json:"from_tick"` // that of the snapshot
}

// save answers with a snapshot of all shards. The workers have gone on by the time it is sent.
func (s *Server) save(w http.ResponseWriter, r *http.Request) {
	if _, p := query(r); p != nil {
		p.write(w)
		return
	}
	if !s.snapshots.take() {
		busy(w, "%d snapshots are under way, which is all that is made at once: try again", cap(s.snapshots))
		return
	}
	defer s.snapshots.free()
	s.note(r, "snapshot")
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.limits.state)
	defer cancel()
	snapshot, err := s.host.Snapshot(ctx)
	if err != nil {
		s.late(err).write(w)
		return
	}
	w.Header().Set("Content-Type", mediaTypeSnapshot)
	w.Header().Set("Content-Length", strconv.FormatInt(snapshot.Size(), 10))
	w.Header().Set(headerTick, strconv.FormatUint(snapshot.Header.Tick, 10))
	if _, err := snapshot.WriteTo(w); err != nil {
		panic(http.ErrAbortHandler) // the client sees that it is cut short
	}
}

// late returns what err is to a client that waits for the workers to pass.
func (s *Server) late(err error) *Problem {
	if errors.Is(err, context.DeadlineExceeded) {
		return problem(http.StatusGatewayTimeout, "timeout", "expected the workers to pass within %v, but one did not: is it stuck in a tick?", s.cfg.limits.state)
	}
	return problemOf(err)
}

func busy(w http.ResponseWriter, format string, args ...any) {
	w.Header().Set("Retry-After", "1")
	problem(http.StatusServiceUnavailable, "busy", format, args...).write(w)
}

// restore replaces the state of all shards by the snapshot in the body.
func (s *Server) restore(w http.ResponseWriter, r *http.Request) {
	if _, p := query(r); p != nil {
		p.write(w)
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != mediaTypeSnapshot {
		problem(http.StatusUnsupportedMediaType, "media-type", "expected Content-Type %s, got %.100q", mediaTypeSnapshot, r.Header.Get("Content-Type")).write(w)
		return
	}
	if !s.snapshots.take() {
		busy(w, "%d snapshots are under way, which is all that is taken at once: try again", cap(s.snapshots))
		return
	}
	defer s.snapshots.free()
	s.note(r, "restore", zap.Int64("size", r.ContentLength))
	body := s.newUpload(w, r)
	defer body.drain()
	done, err := s.host.Restore(r.Context(), body)
	if err = body.verdict(w, err); err != nil {
		problemOf(err).write(w)
		return
	}
	answer(w, Restored(done))
}

// Snapshot has the host make a snapshot and writes it to w, checked to its last byte. It returns the snapshot's tick.
func (c *Client) Snapshot(ctx context.Context, w io.Writer) (tick uint64, err error) {
	r, err := c.request(ctx, http.MethodGet, snapshotPath, nil, nil)
	if err != nil {
		return 0, err
	}
	got, err := c.do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = got.Body.Close() }()
	h, err := state.CheckSnapshot(io.TeeReader(got.Body, w))
	if err != nil {
		return 0, fmt.Errorf("receive the snapshot: %w", err)
	}
	return h.Tick, nil
}

// Restore has the host replace its state by the snapshot of size bytes that body yields.
func (c *Client) Restore(ctx context.Context, body io.Reader, size int64) (Restored, error) {
	r, err := c.request(ctx, http.MethodPost, snapshotPath, url.Values{}, body)
	if err != nil {
		return Restored{}, err
	}
	r.ContentLength = size
	r.Header.Set("Content-Type", mediaTypeSnapshot)
	r.Header.Set("Expect", "100-continue")
	return receive[Restored](c, r)
}
