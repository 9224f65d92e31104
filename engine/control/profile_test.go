package control

import (
	"bytes"
	"net/http"
	"testing"

	"golang.org/x/sync/errgroup"
)

func TestProfilesAreForOperators(t *testing.T) {
	_, as := loopbackServer(t, newFakeHost())
	for path, start := range map[string]string{
		"heap": "\x1f\x8b", "goroutine?debug=1": "goroutine profile: total", "trace?seconds=1": "go 1.", "profile?seconds=1": "\x1f\x8b",
	} {
		got, err := exchange(t, as(Operate), "GET", "/debug/pprof/"+path, nil)
		if err != nil || got.status != http.StatusOK || !bytes.HasPrefix(got.body, []byte(start)) {
			t.Errorf("%s: %d %.40q %v", path, got.status, got.body, err)
		}
		got, err = exchange(t, as(Read), "GET", "/debug/pprof/"+path, nil)
		if err != nil || got.status != http.StatusForbidden {
			t.Errorf("%s for a reader: %d %v", path, got.status, err)
		}
	}
}

// There is one profiler: a second client is told that it is busy, and the first one's profile goes on.
func TestProfilesOfTheProcessorDoNotMix(t *testing.T) {
	s := serve(t, newFakeHost(), Config{})
	results := make(chan int, 2)
	var group errgroup.Group
	for range 2 {
		c := clientOf(t, s)
		group.Go(func() error {
			got, err := exchange(t, c, "GET", "/debug/pprof/profile?seconds=1", nil)
			results <- got.status
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if sum := <-results + <-results; sum != http.StatusOK+http.StatusConflict {
		t.Errorf("the statuses add up to %d, want 200 and 409", sum)
	}
}
