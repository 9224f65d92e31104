package control

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestSnapshotThereAndBack(t *testing.T) {
	h := newFakeHost()
	c := clientOf(t, serve(t, h, Config{}))
	var b bytes.Buffer
	tick, err := c.Snapshot(t.Context(), &b)
	if err != nil || tick != 42 || !bytes.Equal(b.Bytes(), snapshotOf(h)) {
		t.Fatalf("tick %d, %d bytes, %v", tick, b.Len(), err)
	}
	done, err := c.Restore(t.Context(), bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || done != (Restored{Tick: 7, From: 42}) {
		t.Fatalf("%+v %v", done, err)
	}
	if got := h.restored.Shard(3); !h.restored.Born(3) || got[0] != 3 || got[15] != 1 {
		t.Errorf("shard 3 is %v", got)
	}
}

// What is cut short on its way to the host changes nothing, and to the client is no snapshot.
func TestSnapshotCutShort(t *testing.T) {
	h := newFakeHost()
	whole := snapshotOf(h)
	for _, n := range []int{0, 1, 15, 16, 17, len(whole) / 2, len(whole) - 1} {
		s := serve(t, h, Config{}) // of its own: what is cut off is under way until the server notices
		got, err := exchange(t, clientOf(t, s), "POST", snapshotPath, bytes.NewReader(whole[:n]), "Content-Type", mediaTypeSnapshot)
		if err != nil || got.status != http.StatusUnprocessableEntity || h.restored != nil {
			t.Errorf("%d bytes: status %d, %v: %s", n, got.status, err, got.body)
		}
		// Announced as whole, and then the client is gone.
		_, err = clientOf(t, s).Restore(t.Context(), io.MultiReader(bytes.NewReader(whole[:n]), broken{}), int64(len(whole)))
		if err == nil || h.restored != nil {
			t.Errorf("%d bytes and an end: %v", n, err)
		}
	}
	s := serve(t, h, Config{})
	cut := &http.Client{Transport: cutting{clientOf(t, s).http.Transport, int64(len(whole) - 1)}}
	c := clientOf(t, s)
	c.http = cut
	if _, err := c.Snapshot(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("a snapshot without its last byte: %v", err)
	}
}

// broken is a reader that fails.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("gone") }

// cutting lets so many bytes of each answer through.
type cutting struct {
	http.RoundTripper
	limit int64
}

func (c cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	got, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		got.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(got.Body, c.limit), got.Body}
	}
	return got, err
}
