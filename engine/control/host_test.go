package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/state"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sync/errgroup"
)

// patience bounds every wait; it is far beyond what one takes on a busy machine.
const patience = 30 * time.Second

// fakeHost is an engine without workers: what is pushed runs at once.
type fakeHost struct {
	mu       sync.Mutex
	status   engine.Status
	outcome  error // of the next reload
	seq      uint64
	subs     map[chan engine.Event]bool
	deciding chan struct{} // not nil: a push waits for it before it is decided
	pushes   []error       // what became of each
	restored *state.Snapshot
	timing   engine.Timing // of each worker, and of all
	measures []engine.WorkerMeasures
}

func newFakeHost() *fakeHost {
	h := &fakeHost{subs: map[chan engine.Event]bool{}}
	h.status = engine.Status{Running: true, Shards: 4, Workers: 2, Watch: "inotify", Ticks: 7}
	h.publish("logic.so", strings.Repeat("ab", 32))
	return h
}

func (h *fakeHost) publish(library, hash string) engine.Generation {
	n := h.status.Generation.Number + 1
	h.status.Generation = engine.Generation{Number: n, Epoch: n, Activation: 10 * n, Hash: hash, Library: library, APIVersion: 1}
	h.status.Generations = append(h.status.Generations, h.status.Generation)
	return h.status.Generation
}

func (h *fakeHost) Status() engine.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.status
}

func (h *fakeHost) Events(buffer int) (<-chan engine.Event, func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := make(chan engine.Event, buffer)
	h.subs[c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.subs[c] {
			delete(h.subs, c)
			close(c)
		}
	}
}

func (h *fakeHost) send(ev engine.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	ev.Seq, ev.Time = h.seq, time.Now()
	for c := range h.subs {
		select {
		case c <- ev:
		default:
		}
	}
}

func (h *fakeHost) Reload(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.outcome == nil {
		h.publish("logic.so", strings.Repeat("cd", 32))
	}
	return h.outcome
}

func (h *fakeHost) Pause(context.Context) error {
	return h.steer(func(s *engine.Status) { s.Paused = true })
}

func (h *fakeHost) Resume(context.Context) error {
	return h.steer(func(s *engine.Status) { s.Paused = false })
}

func (h *fakeHost) Step(_ context.Context, ticks uint64) error {
	if !h.Status().Paused {
		return engine.ErrNotPaused
	}
	return h.steer(func(s *engine.Status) { s.Ticks += ticks })
}

func (h *fakeHost) Pin(context.Context) error {
	return h.steer(func(s *engine.Status) { s.Pin = true })
}

func (h *fakeHost) Unpin(context.Context) error {
	return h.steer(func(s *engine.Status) { s.Pin = false })
}

func (h *fakeHost) Resize(workers int) error {
	if workers < 1 || workers > engine.MaxWorkers {
		return fmt.Errorf("%w: Workers: expected 1 to %d, got %d", engine.ErrConfig, engine.MaxWorkers, workers)
	}
	return h.steer(func(s *engine.Status) { s.Workers = workers })
}

func (h *fakeHost) steer(change func(*engine.Status)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.outcome == nil {
		change(&h.status)
	}
	return h.outcome
}

func (h *fakeHost) Workers() []engine.WorkerStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.status.Generation.Number == 0 {
		return nil
	}
	return []engine.WorkerStatus{
		{Worker: 0, First: 0, Count: 2, Tick: 8, Parked: true, Generation: h.status.Generation.Number, Timing: h.timing},
		{Worker: 1, First: 2, Count: 2, Tick: 7, Generation: h.status.Generation.Number, Stuck: 3 * time.Second, Timing: h.timing},
	}
}

func (h *fakeHost) Timing() engine.Timing { return h.timing }

func (h *fakeHost) Measures() engine.Measures {
	return engine.Measures{Status: h.Status(), Workers: h.measures}
}

func (h *fakeHost) Rollback(_ context.Context, generation uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.outcome != nil:
		return h.outcome
	case generation == h.status.Generation.Number:
		return engine.ErrUnchanged
	case generation > h.status.Generation.Number:
		return &engine.NotKeptError{Generation: generation, Kept: []uint64{1}}
	}
	h.publish("logic.so", strings.Repeat("ab", 32))
	return nil
}

func (h *fakeHost) Push(ctx context.Context, push engine.Push, r io.Reader) (g engine.Generation, err error) {
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.pushes = append(h.pushes, err)
	}()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(r, push.Limit+1))
	if err != nil {
		return g, fmt.Errorf("receive the library: %w", err)
	}
	if n > push.Limit {
		return g, &engine.TooLargeError{Limit: push.Limit}
	}
	hash := hex.EncodeToString(sum.Sum(nil))
	if push.Accept != nil {
		if err := push.Accept(hash); err != nil {
			return g, err
		}
	}
	if h.deciding != nil {
		select {
		case <-h.deciding:
		case <-ctx.Done():
			return g, context.Cause(ctx)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	running := h.status.Generation
	switch {
	case push.If != 0 && push.If != running.Number:
		return g, &engine.GenerationError{Expected: push.If, Running: running.Number}
	case hash == running.Hash:
		return running, engine.ErrUnchanged
	case h.outcome != nil:
		return running, h.outcome
	}
	return h.publish(push.Name, hash), nil
}

// pushed returns what became of the pushes so far.
func (h *fakeHost) pushed() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]error(nil), h.pushes...)
}

func (h *fakeHost) State(_ context.Context, first, count int) (*engine.StateView, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if first < 0 || count < 1 || first+count > h.status.Shards {
		return nil, &engine.ShardError{First: first, Count: count, Shards: h.status.Shards}
	}
	layout, err := state.FromDeclaration([]byte("typedef struct { int score; double level; } state_t;"), "state_t", 16)
	if err != nil {
		return nil, err
	}
	view := &engine.StateView{Generation: h.status.Generation, Tick: 42, First: first, Layout: layout}
	for i := range count {
		shard := make([]byte, 16)
		shard[0] = byte(first + i)
		shard[14], shard[15] = 0xf8, 0x7f // NaN
		view.Shards = append(view.Shards, shard)
	}
	return view, nil
}

func (h *fakeHost) header() state.Header {
	return state.Header{StateSize: 16, Shards: h.status.Shards, Layout: state.SizeOnly(16), Tick: 42}
}

func (h *fakeHost) Snapshot(context.Context) (*state.Snapshot, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := state.NewSnapshot(h.header())
	for i := range h.status.Shards {
		s.Take(i, []byte{byte(i), 15: 1})
	}
	return s, h.outcome
}

func (h *fakeHost) Restore(_ context.Context, r io.Reader) (engine.Restored, error) {
	if h.outcome != nil {
		return engine.Restored{}, h.outcome
	}
	s, err := state.ReadSnapshot(r, func(*state.Header) error { return nil })
	if err != nil {
		return engine.Restored{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.restored = s
	return engine.Restored{Tick: h.status.Ticks, From: s.Header.Tick}, nil
}

// snapshotOf returns a snapshot of h as bytes.
func snapshotOf(h *fakeHost) []byte {
	var b bytes.Buffer
	s, err := h.Snapshot(context.Background())
	if err == nil {
		_, err = s.WriteTo(&b)
	}
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}

// serve runs a server for h until the test ends. cfg without a listener gets a socket.
func serve(t *testing.T, h Host, cfg Config) *Server {
	t.Helper()
	if cfg.Socket == "" && cfg.Listen == "" {
		cfg.Socket = filepath.Join(t.TempDir(), "s.sock")
	}
	if cfg.limits == (limits{}) {
		cfg.limits = usualLimits
		cfg.limits.end = 50 * time.Millisecond
	}
	s, err := Open(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group errgroup.Group
	group.Go(func() error { return s.Serve(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := group.Wait(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

// clientOf returns a client for the server's socket.
func clientOf(t *testing.T, s *Server) *Client {
	t.Helper()
	return client(t, Target{Address: "unix:" + s.cfg.Socket})
}

func client(t *testing.T, to Target) *Client {
	t.Helper()
	c, err := NewClient(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// dial opens a bare connection to the server's socket.
func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", s.cfg.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// wantProblem fails the test unless err is a problem of that type.
func wantProblem(t *testing.T, err error, word string) {
	t.Helper()
	if p := problemIn(t, err); p.Type != problemType+word {
		t.Fatalf("got %+v, want a problem %q", p, word)
	}
}

func problemIn(t *testing.T, err error) Problem {
	t.Helper()
	var p *Problem
	if !errors.As(err, &p) {
		t.Fatalf("got %v (%T), want a problem", err, err)
	}
	return *p
}

// eventually polls until there is true.
func eventually(t *testing.T, what string, there func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !there() {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v", what, patience)
		}
		time.Sleep(time.Millisecond)
	}
}

func logged() (*zap.Logger, *observer.ObservedLogs) {
	core, logs := observer.New(zapcore.DebugLevel)
	return zap.New(core), logs
}

// reply is an answer that has been read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// exchange sends one request with these headers, by name and value.
func exchange(t *testing.T, c *Client, method, path string, body io.Reader, headers ...string) (reply, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.base+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := c.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	return reply{got.StatusCode, got.Header, text}, err
}
