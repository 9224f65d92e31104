package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/engine"

	"golang.org/x/sync/errgroup"
)

// shipment returns one with that content.
func shipment(content string) Shipment {
	sum := sha256.Sum256([]byte(content))
	return Shipment{Name: "logic.so", Size: int64(len(content)), Hash: hex.EncodeToString(sum[:]), Body: strings.NewReader(content)}
}

func TestPushAnswersWithTheVerdict(t *testing.T) {
	h := newFakeHost()
	c := clientOf(t, serve(t, h, Config{}))
	v, err := c.Push(t.Context(), shipment("one"))
	if err != nil || v.Result != ResultSwapped || v.Generation.Number != 2 || v.Generation.Hash != shipment("one").Hash {
		t.Fatalf("first: %+v %v", v, err)
	}
	v, err = c.Push(t.Context(), shipment("one"))
	if err != nil || v.Result != ResultUnchanged || v.Generation.Number != 2 || v.ExitCode != 0 {
		t.Fatalf("the same again: %+v %v", v, err)
	}
	h.mu.Lock()
	h.outcome = &engine.StageError{Stage: engine.StageTrial, Err: errors.New("called exit(3)")}
	h.mu.Unlock()
	_, err = c.Push(t.Context(), shipment("two"))
	wantProblem(t, err, "rejected")
	if p := problemIn(t, err); p.Stage != "trial" || p.ExitCode != engine.ExitRefused || p.Detail != "called exit(3)" {
		t.Errorf("refused: %+v", p)
	}
}

// Of two who push at once and expect the same generation, one is told that it is too late.
func TestTwoPushesAtOnceCannotRace(t *testing.T) {
	h := newFakeHost()
	h.deciding = make(chan struct{})
	s := serve(t, h, Config{})
	results := make(chan error, 2)
	var group errgroup.Group
	for _, content := range []string{"one", "two"} {
		c := clientOf(t, s)
		group.Go(func() error {
			ship := shipment(content)
			ship.If = 1
			_, err := c.Push(context.Background(), ship)
			results <- err
			return nil
		})
	}
	eventually(t, "two uploads", func() bool { return len(s.uploads) == 2 })
	close(h.deciding)
	_ = group.Wait() // it returns no error
	first, second := <-results, <-results
	if first != nil {
		first, second = second, first
	}
	if first != nil {
		t.Fatalf("both failed: %v, %v", first, second)
	}
	wantProblem(t, second, "other-generation")
	if p := problemIn(t, second); p.Status != 412 {
		t.Errorf("status %d", p.Status)
	}
	if n := h.Status().Generation.Number; n != 2 {
		t.Errorf("generation %d runs, want 2", n)
	}
}

func TestWhatCannotSucceedIsRefusedBeforeItIsSent(t *testing.T) {
	h := newFakeHost()
	s := serve(t, h, Config{MaxPush: 100})
	c := clientOf(t, s)
	sent := func(ship Shipment) (int64, error) {
		counted := &counting{r: ship.Body}
		ship.Body = counted
		_, err := c.Push(t.Context(), ship)
		return counted.n, err
	}
	large := shipment(strings.Repeat("x", 101))
	n, err := sent(large)
	wantProblem(t, err, "too-large")
	if n != 0 {
		t.Errorf("%d bytes of an artifact that is too large were sent", n)
	}
	late := shipment("late")
	late.If = 7
	n, err = sent(late)
	wantProblem(t, err, "other-generation")
	if n != 0 {
		t.Errorf("%d bytes for another generation were sent", n)
	}
	// Without its length, an artifact is cut off at the limit.
	got, err := exchange(t, c, "POST", "/v1/artifacts?name=a.so", struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 1000))},
		"Content-Type", mediaTypeArtifact)
	if err != nil || got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("chunked: %d %v, want 413", got.status, err)
	}
	if n := h.Status().Generation.Number; n != 1 {
		t.Errorf("generation %d runs, want 1", n)
	}
}

// fullHost has no room for more than the beginning of a library.
type fullHost struct{ *fakeHost }

func (fullHost) Push(_ context.Context, _ engine.Push, r io.Reader) (g engine.Generation, err error) {
	_, err = r.Read(make([]byte, 1))
	return g, errors.Join(err, &os.PathError{Op: "write", Path: "push", Err: syscall.ENOSPC})
}

// A client that is refused while it sends sees why, and not only that the connection is gone.
func TestRefusalsReachWhoIsStillSending(t *testing.T) {
	c := clientOf(t, serve(t, fullHost{newFakeHost()}, Config{}))
	for range 20 {
		_, err := c.Push(t.Context(), shipment(strings.Repeat("x", 4<<20)))
		wantProblem(t, err, "disk-full")
	}
}

type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func TestBytesThatChangedOnTheWayAreRefused(t *testing.T) {
	h := newFakeHost()
	c := clientOf(t, serve(t, h, Config{}))
	ship := shipment("library")
	ship.Body = strings.NewReader("librarz")
	_, err := c.Push(t.Context(), ship)
	wantProblem(t, err, "digest")
	if n := h.Status().Generation.Number; n != 1 {
		t.Errorf("generation %d runs, want 1", n)
	}
}

// A client that vanishes in the middle has no effect, whichever way it goes.
func TestClientVanishesMidPush(t *testing.T) {
	for _, framing := range []string{"Content-Length: 100000\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"} {
		h := newFakeHost()
		s := serve(t, h, Config{})
		conn := dial(t, s)
		if _, err := fmt.Fprintf(conn, "POST /v1/artifacts?name=a.so HTTP/1.1\r\nHost: hotreload\r\nContent-Type: application/octet-stream\r\n%s", framing); err != nil {
			t.Fatal(err)
		}
		eventually(t, "upload", func() bool { return len(s.uploads) == 1 })
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "end of the push", func() bool { return len(h.pushed()) == 1 && len(s.uploads) == 0 })
		if h.pushed()[0] == nil || h.Status().Generation.Number != 1 {
			t.Errorf("half a library runs: %v", h.pushed())
		}
		if _, err := clientOf(t, s).Push(t.Context(), shipment("whole")); err != nil {
			t.Errorf("the next push: %v", err)
		}
	}
}

func TestUploadsThatStallEnd(t *testing.T) {
	short := usualLimits
	short.stall, short.end = 50*time.Millisecond, 50*time.Millisecond
	h := newFakeHost()
	s := serve(t, h, Config{limits: short})
	conn := dial(t, s)
	if _, err := fmt.Fprint(conn, "POST /v1/artifacts?name=a.so HTTP/1.1\r\nHost: hotreload\r\nContent-Type: application/octet-stream\r\nContent-Length: 9\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 408 ")) {
		t.Errorf("%s %v, want 408 and the end", answer, err)
	}
}

func TestUploadsAreLimited(t *testing.T) {
	few := usualLimits
	few.uploads, few.end = 1, 50*time.Millisecond
	h := newFakeHost()
	h.deciding = make(chan struct{})
	s := serve(t, h, Config{limits: few})
	var group errgroup.Group
	c := clientOf(t, s)
	group.Go(func() error {
		_, err := c.Push(context.Background(), shipment("one"))
		return err
	})
	eventually(t, "upload", func() bool { return len(s.uploads) == 1 })
	_, err := clientOf(t, s).Push(t.Context(), shipment("two"))
	wantProblem(t, err, "busy")
	if p := problemIn(t, err); p.Status != 503 {
		t.Errorf("status %d", p.Status)
	}
	close(h.deciding)
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func TestErrorsOfTheHostAreWhatAClientExpects(t *testing.T) {
	for _, c := range []struct {
		err    error
		word   string
		status int
	}{
		{&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "disk-full", 507},
		{fmt.Errorf("wrapped: %w", engine.ErrNotRunning), "not-running", 503},
		{context.DeadlineExceeded, "timeout", 504},
		{errors.New("odd"), "internal", 500},
	} {
		p := problemOf(c.err)
		if p.Type != problemType+c.word || p.Status != c.status || p.ExitCode != 1 {
			t.Errorf("%v: %+v", c.err, p)
		}
	}
}

func TestOnlySignedArtifactsAreTaken(t *testing.T) {
	private, public, err := NewKey("ci")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyFile, trustedFile := filepath.Join(dir, "ci.key"), filepath.Join(dir, "trusted")
	if err := errors.Join(os.WriteFile(keyFile, private, 0o600), os.WriteFile(trustedFile, []byte("# ours\n"+public), 0o644)); err != nil {
		t.Fatal(err)
	}
	key, err := LoadKey(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	otherPrivate, _, err := NewKey("other")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyFile, otherPrivate, 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := LoadKey(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	h := newFakeHost()
	c := clientOf(t, serve(t, h, Config{TrustedKeys: trustedFile}))
	soon := time.Now().Add(time.Hour)
	ship := shipment("library")
	tampered := Sign(key, ship.Hash, soon)
	tampered.Expires = soon.Add(time.Hour)
	impostor := Sign(other, ship.Hash, soon)
	impostor.Key = tampered.Key
	for _, c2 := range []struct{ name, signature, word string }{
		{"none", "", "signature"},
		{"nonsense", "v1 x y z", "bad-request"},
		{"another key", Sign(other, ship.Hash, soon).String(), "signature"},
		{"another key under the name of ours", impostor.String(), "signature"},
		{"replayed for another artifact", Sign(key, shipment("old").Hash, soon).String(), "signature"},
		{"replayed too late", Sign(key, ship.Hash, time.Now().Add(-time.Second)).String(), "signature"},
		{"with a later end", tampered.String(), "signature"},
	} {
		one := shipment("library")
		one.Signature = c2.signature
		_, err := c.Push(t.Context(), one)
		wantProblem(t, err, c2.word)
	}
	if n := h.Status().Generation.Number; n != 1 {
		t.Fatalf("generation %d runs, want 1", n)
	}
	good := shipment("library")
	good.Signature = Sign(key, good.Hash, soon).String()
	if v, err := c.Push(t.Context(), good); err != nil || v.Result != ResultSwapped {
		t.Errorf("%+v %v", v, err)
	}
	for name, text := range map[string]string{"empty": "", "another format": "ssh-ed25519 AAAA", "short": publicKeyWord + " AAAA"} {
		if err := os.WriteFile(trustedFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadTrusted(trustedFile); err == nil {
			t.Errorf("trusted keys, %s: accepted", name)
		}
	}
}
