package control

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// whole returns a server that is not served, and its handler behind gate g.
func whole(g gate) (*Server, http.Handler) {
	h := newFakeHost()
	s := &Server{cfg: Config{MaxPush: 1 << 16, limits: usualLimits}, host: h, log: (&Config{}).log(), run: newRun(), ring: newRing(8),
		streams: make(slots, 8), uploads: make(slots, 8), snapshots: make(slots, 8), scrapes: make(slots, 8), metrics: newMetrics(h), trusted: nil}
	s.recorded = make(chan struct{})
	close(s.recorded)
	s.ring.close() // so that streams end
	return s, admit(g, s.routes())
}

// Whatever comes, the answer is what the description says, and never that the host has failed.
func FuzzHandlers(f *testing.F) {
	for _, path := range []string{"/v1/status", "/v1/state?shard=1&count=2", "/v1/events", "/v1/artifacts?name=a.so", "/v1/rollback?generation=1", "/metrics", "/debug/pprof/profile", "/v1/step?ticks=2", "/v1/resize?workers=1", "//v1/./status", "/v1/state?shard=%00"} {
		f.Add("GET", path, "Last-Event-ID", "0000000000000000-1", []byte(nil))
		f.Add("POST", path, "If-Match", `"1"`, []byte("library"))
		f.Add("POST", path, headerDigest, "sha-256=:AAAA:", []byte("library"))
		f.Add("POST", path, headerSignature, "v1 a 1 b", []byte("library"))
		f.Add("OPTIONS", path, "Origin", "http://evil.example", []byte(nil))
	}
	var d document
	if err := json.Unmarshal(description, &d); err != nil {
		f.Fatal(err)
	}
	_, handler := whole(ownerGate{})
	gone, leave := context.WithCancel(f.Context()) // so that no profile takes its time
	leave()
	f.Fuzz(func(t *testing.T, method, path, header, value string, body []byte) {
		r, err := http.NewRequestWithContext(gone, method, "http://hotreload"+path, bytes.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/") {
			t.Skip()
		}
		r.RequestURI = path
		r.Header.Set("Content-Type", mediaTypeArtifact)
		r.Header[http.CanonicalHeaderKey(header)] = []string{value}
		if r.Host != "hotreload" {
			t.Skip()
		}
		w := &deadlines{httptest.NewRecorder()}
		handler.ServeHTTP(w, r)
		got := w.Result()
		text, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got.StatusCode/100 == 3 { // the multiplexer sends unclean paths to clean ones
			return
		}
		if got.StatusCode >= 500 && got.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%d %s", got.StatusCode, text)
		}
		if got.StatusCode < 400 {
			return
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatalf("%d %q: %v", got.StatusCode, text, err)
		}
		if err := d.check(d.Components.Schemas["Problem"], v); err != nil {
			t.Fatalf("%d %q: %v", got.StatusCode, text, err)
		}
	})
}

// deadlines is a recorder for handlers that set deadlines.
type deadlines struct{ *httptest.ResponseRecorder }

func (deadlines) SetReadDeadline(time.Time) error  { return nil }
func (deadlines) SetWriteDeadline(time.Time) error { return nil }

// A gate lets nobody in without a token, whatever else the request has.
func FuzzTokenGate(f *testing.F) {
	secret := strings.Repeat("5a", 32)
	f.Add("Bearer "+secret, "127.0.0.1:80", "")
	f.Add("Bearer "+secret[:63], "localhost", "http://localhost")
	f.Add("bearer  "+secret+" ", "[::1]:9", "null")
	f.Add("Basic "+secret, "evil.example", "http://evil.example")
	_, handler := whole(tokenGate{tokens{Deploy: secret}})
	f.Fuzz(func(t *testing.T, authorization, host, origin string) {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/v1/status", nil)
		r.Host = host
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		knows := strings.Contains(strings.ToLower(authorization), secret)
		if w.Code == 200 && (!knows || !loopback(hostname(host)) || origin != "" && !strings.HasSuffix(origin, host)) {
			t.Fatalf("let in: %q %q %q", authorization, host, origin)
		}
	})
}

func FuzzParseSignature(f *testing.F) {
	f.Add("v1 0123 99 " + strings.Repeat("A", 86) + "==")
	f.Add("v1 a -1 b")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSignature(text)
		if err != nil {
			return
		}
		again, err := ParseSignature(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q became %q: %v", text, s, err)
		}
	})
}

func FuzzParseTokens(f *testing.F) {
	f.Add([]byte("read " + strings.Repeat("0", 64) + "\n#\n\ndeploy " + strings.Repeat("f", 64)))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := parseTokens(text)
		if err != nil {
			return
		}
		for role, token := range all {
			if all.role(token) < role || len(token) < 2*tokenBytes {
				t.Fatalf("%s has the token %q, which is that of %s", role, token, all.role(token))
			}
		}
	})
}

// What another program sends as a stream of events breaks no client.
func FuzzFollower(f *testing.F) {
	f.Add("id: a-1\nevent: swapped\ndata: {\"seq\":1}\n\nevent: gap\ndata: {}\n\n: x\n\ndata: {\n\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_ = (&follower{happened: func(Event) error { return nil }, missed: func(Gap) error { return nil }}).read(strings.NewReader(text))
	})
}

func FuzzFields(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[1,2],"c":{"d":null}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var fields Fields
		if json.Unmarshal(text, &fields) != nil {
			return
		}
		again, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(again) {
			t.Fatalf("%s", again)
		}
	})
}
