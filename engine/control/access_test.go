package control

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// loopbackServer serves on loopback with tokens, and returns a client with the token of role.
func loopbackServer(t *testing.T, h Host) (s *Server, as func(Role) *Client) {
	t.Helper()
	tokenFile := filepath.Join(t.TempDir(), "hotreload", "token")
	s = serve(t, h, Config{Listen: "127.0.0.1:0", TokenFile: tokenFile})
	return s, func(role Role) *Client {
		c := client(t, Target{Address: s.Addr(), TokenFile: tokenFile})
		all, _, err := loadTokens(tokenFile, false)
		if err != nil {
			t.Fatal(err)
		}
		c.token = all[role]
		return c
	}
}

func TestOnlyWhoBelongsHereMayEnter(t *testing.T) {
	s, as := loopbackServer(t, newFakeHost())
	good := as(Deploy)
	port := s.Addr()[strings.LastIndex(s.Addr(), ":"):]
	for _, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"a client", nil, 200},
		{"by name", []string{"Host", "localhost" + port}, 200},
		{"by another address of loopback", []string{"Host", "127.9.9.9" + port}, 200},
		{"by IPv6", []string{"Host", "[::1]" + port}, 200},
		{"rebound name", []string{"Host", "evil.example" + port}, 421},
		{"rebound name that looks like ours", []string{"Host", "localhost.evil.example"}, 421},
		{"rebound address", []string{"Host", "192.0.2.1" + port}, 421},
		{"its own page", []string{"Origin", "http://" + s.Addr()}, 200},
		{"page of another origin", []string{"Origin", "http://evil.example"}, 403},
		{"page of another port", []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"page without an origin", []string{"Origin", "null"}, 403},
		{"page that hides its origin", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"address bar", []string{"Sec-Fetch-Site", "none"}, 200},
		{"no token", []string{"Authorization", ""}, 401},
		{"empty token", []string{"Authorization", "Bearer "}, 401},
		{"other scheme", []string{"Authorization", "Basic " + good.token}, 401},
		{"wrong token", []string{"Authorization", "Bearer " + strings.Repeat("0", 64)}, 401},
		{"half a token", []string{"Authorization", "Bearer " + good.token[:32]}, 401},
		{"token and more", []string{"Authorization", "Bearer " + good.token + "0"}, 401},
		{"capitals", []string{"Authorization", "bearer " + strings.ToUpper(good.token)}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := exchange(t, good, "GET", "/v1/status", nil, c.headers...)
			if err != nil || got.status != c.status {
				t.Fatalf("status %d %v, want %d", got.status, err, c.status)
			}
			if got.status == 401 && got.header.Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
			for _, name := range []string{"Cache-Control", "X-Content-Type-Options", "Content-Security-Policy"} {
				if got.header.Get(name) == "" {
					t.Errorf("no %s", name)
				}
			}
			if got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("other origins may read the answer")
			}
		})
	}
}

func TestRolesIncludeThoseBefore(t *testing.T) {
	_, as := loopbackServer(t, newFakeHost())
	for _, role := range Roles {
		for _, route := range (&Server{}).table() {
			got, err := exchange(t, as(role), route.method, route.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if refused := got.status == http.StatusForbidden; refused != (role < route.role) {
				t.Errorf("%s: %s %s has status %d", role, route.method, route.path, got.status)
			}
		}
	}
}

func TestNoTokenMeansNobody(t *testing.T) {
	some := tokens{Operate: strings.Repeat("a", 64)}
	for presented, want := range map[string]Role{"": 0, strings.Repeat("a", 64): Operate, strings.Repeat("b", 64): 0} {
		if got := some.role(presented); got != want {
			t.Errorf("%q is %v, want %v", presented, got, want)
		}
	}
}

func TestTokenFileIsPrivate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "token")
	first, created, err := loadTokens(path, true)
	if err != nil || !created || len(first) != len(Roles) {
		t.Fatalf("created %v, %d tokens: %v", created, len(first), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v: want 0600", info.Mode(), err)
	}
	second, created, err := loadTokens(path, true)
	if err != nil || created || second[Deploy] != first[Deploy] {
		t.Fatalf("read again: created %v, %v", created, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
	for name, text := range map[string]string{
		"empty": "", "comment only": "# no token\n", "unknown role": "root " + strings.Repeat("a", 64),
		"short": "read abcd", "no hexadecimal": "read " + strings.Repeat("x", 64),
		"twice": fmt.Sprintf("read %064d\nread %064d\n", 1, 2), "three words": fmt.Sprintf("read %064d yes", 1),
	} {
		bad := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := loadTokens(bad, true); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := loadTokens(path, true); err == nil || !strings.Contains(err.Error(), "expected mode 0600, got 0640") {
		t.Errorf("a file that others can read: %v", err)
	}
	if _, _, err := loadTokens(dir, true); err == nil {
		t.Error("a directory is accepted")
	}
}

func TestHostsThatStartTogetherShareTheirTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	all := make([]tokens, 8)
	var group errgroup.Group
	for i := range all {
		group.Go(func() (err error) {
			all[i], _, err = loadTokens(path, true)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if one[Deploy] != all[0][Deploy] {
			t.Fatal("two hosts have different tokens")
		}
	}
}

// certificates makes a PKI for localhost that is valid for so long.
func certificates(t *testing.T, valid time.Duration) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	if err := (PKI{Dir: dir, Hosts: []string{"localhost", "127.0.0.1"}, Valid: valid, CA: time.Hour}).Init(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOtherAddressesNeedCertificates(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0"} {
		_, err := Open(Config{Listen: address}, newFakeHost())
		if err == nil || !strings.Contains(err.Error(), "pki init") {
			t.Errorf("%s: %v, want a refusal with the remedy", address, err)
		}
	}
	if _, err := Open(Config{Listen: "0.0.0.0:0", TLS: t.TempDir()}, newFakeHost()); err == nil {
		t.Error("a directory without certificates is accepted")
	}
	if _, err := Open(Config{}, newFakeHost()); err == nil {
		t.Error("nothing to listen on is accepted")
	}
	if _, err := NewClient(Target{Address: "192.0.2.1:80"}); err == nil {
		t.Error("a client sends its token to another machine in the clear")
	}
	for _, address := range []string{"", "unix", "host", "host:", ":80"} {
		if _, err := NewClient(Target{Address: address}); err == nil {
			t.Errorf("address %q is accepted", address)
		}
	}
}

func TestCertificatesSayTheRole(t *testing.T) {
	pki := certificates(t, time.Hour)
	s := serve(t, newFakeHost(), Config{Listen: "0.0.0.0:0", TLS: filepath.Join(pki, "server")})
	_, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	address := "localhost:" + port
	for _, role := range Roles {
		c := client(t, Target{Address: address, TLS: filepath.Join(pki, role.String())})
		if _, err := c.Status(t.Context()); err != nil {
			t.Errorf("%s: %v", role, err)
		}
		_, err := c.Reload(t.Context())
		if role < Operate {
			wantProblem(t, err, "forbidden")
		} else if err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}

	strangers := certificates(t, time.Hour)
	expired := certificates(t, -time.Minute)
	for name, dir := range map[string]string{"another authority": strangers, "expired": expired} {
		c, err := NewClient(Target{Address: address, TLS: filepath.Join(dir, "deploy")})
		if err != nil {
			continue // a client knows that itself
		}
		if _, err := c.Status(t.Context()); err == nil {
			t.Errorf("%s: let in", name)
		}
		c.Close()
	}

	// What the client would not do by itself.
	good, err := loadClient(filepath.Join(pki, "deploy"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := tls.LoadX509KeyPair(filepath.Join(pki, "server", fileServerCert), filepath.Join(pki, "server", fileServerKey))
	if err != nil {
		t.Fatal(err)
	}
	old, err := tls.LoadX509KeyPair(filepath.Join(expired, "deploy", fileClientCert), filepath.Join(expired, "deploy", fileClientKey))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*tls.Config){
		"no certificate":           func(c *tls.Config) { c.Certificates = nil },
		"the server's certificate": func(c *tls.Config) { c.Certificates = []tls.Certificate{server} },
		"an expired certificate":   func(c *tls.Config) { c.Certificates = []tls.Certificate{old} },
		"TLS 1.2":                  func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
	} {
		cfg := good.Clone()
		change(cfg)
		transport := &http.Transport{TLSClientConfig: cfg}
		answer, err := (&http.Client{Transport: transport}).Get("https://" + address + "/v1/status")
		if err == nil {
			_ = answer.Body.Close()
			t.Errorf("%s: let in with status %d", name, answer.StatusCode)
		}
		transport.CloseIdleConnections()
	}
	clear, err := http.Get("http://" + address + "/v1/status")
	if err == nil {
		_ = clear.Body.Close()
		if clear.StatusCode == http.StatusOK {
			t.Error("served in the clear")
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if _, err := Open(Config{Listen: "127.0.0.1:0", TLS: filepath.Join(expired, "server")}, newFakeHost()); err == nil {
		t.Error("a server starts with a certificate that has expired")
	}
}

func TestSocketIsPrivateAndGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	path, err := DefaultSocket(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Discover(dir); err == nil {
		t.Error("found a host before there was one")
	}
	s, err := Open(Config{Socket: path}, newFakeHost())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: want 0600", info, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("in the directory: %v %v", entries, err)
	}
	if found, err := Discover(dir); err != nil || found != path {
		t.Errorf("discovered %q, %v", found, err)
	}
	if _, err := Open(Config{Socket: path}, newFakeHost()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second host on the same socket: %v", err)
	}
	other, err := Open(Config{Socket: filepath.Join(dir, "0.sock")}, newFakeHost())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Discover(dir); err == nil || !strings.Contains(err.Error(), "2 hosts run here") {
		t.Errorf("two hosts: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}

	// What a killed host leaves is no host, and the next one removes it.
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Discover(dir); err == nil {
		t.Error("found a host that is dead")
	}
	if _, err := DefaultSocket(dir); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("after the next start: %v %v", entries, err)
	}

	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Socket: path}, newFakeHost()); err == nil {
		t.Error("a file of the user was replaced by a socket")
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := DefaultSocket(dir); err == nil {
		t.Error("a directory that others can look into is accepted")
	}
	if _, err := Open(Config{Socket: filepath.Join(dir, strings.Repeat("x", 120))}, newFakeHost()); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a path that is too long: %v", err)
	}
}

// An answer that nobody reads holds its handler for a while only.
func TestAnswersThatNobodyReadsEnd(t *testing.T) {
	short := usualLimits
	short.stall, short.end = 50*time.Millisecond, 50*time.Millisecond
	s := serve(t, newFakeHost(), Config{limits: short})
	conn := dial(t, s)
	requests := strings.Repeat("GET /v1/openapi.json HTTP/1.1\r\nHost: hotreload\r\n\r\n", 100_000) // far more than buffers take
	for written := 0; written < len(requests); {                                                    // until the host has hung up
		n, err := conn.Write([]byte(requests[written:]))
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("still open")
			}
			return
		}
		written += n
	}
	t.Error("every request was taken, without an answer read")
}

// A connection that does not speak, or only begins to, is closed and costs nobody else anything.
func TestHalfOpenConnectionsEnd(t *testing.T) {
	short := usualLimits
	short.header, short.end = 100*time.Millisecond, 50*time.Millisecond
	s := serve(t, newFakeHost(), Config{limits: short})
	for _, begin := range []string{"", "GET /v1/status HT", "GET /v1/status HTTP/1.1\r\nHost: hotreload\r\nX: "} {
		conn := dial(t, s)
		if _, err := conn.Write([]byte(begin)); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 1024)
		for {
			if _, err := conn.Read(buffer); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("after %q: still open", begin)
				}
				break
			}
		}
	}
	if _, err := clientOf(t, s).Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	few := usualLimits
	few.connections, few.end = 2, 50*time.Millisecond
	s := serve(t, newFakeHost(), Config{limits: few})
	first, second := dial(t, s), dial(t, s)
	request := []byte("GET /v1/status HTTP/1.1\r\nHost: hotreload\r\n\r\n")
	for _, conn := range []net.Conn{first, second} {
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	third := dial(t, s)
	if _, err := third.Write(request); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := third.Read(make([]byte, 1)); err != nil {
		t.Errorf("the third is not served after the first has gone: %v", err)
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	log, logs := logged()
	tokenFile := filepath.Join(t.TempDir(), "token")
	s := serve(t, newFakeHost(), Config{Listen: "127.0.0.1:0", TokenFile: tokenFile, Log: log})
	c := client(t, Target{Address: s.Addr(), TokenFile: tokenFile})
	if _, err := c.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, _, err := loadTokens(tokenFile, false)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, entry := range logs.All() {
		text := fmt.Sprint(entry.Message, entry.Context)
		for _, token := range all {
			if strings.Contains(text, token) {
				t.Errorf("the log has a token: %s", text)
			}
		}
		found = found || entry.Message == "reload"
	}
	if !found {
		t.Error("the log does not say that a reload was asked for")
	}
}

func TestServeEndsWithRequestsUnderWay(t *testing.T) {
	h := newFakeHost()
	h.deciding = make(chan struct{})
	s, err := Open(Config{Socket: filepath.Join(t.TempDir(), "s.sock"), limits: func() limits {
		l := usualLimits
		l.end = 10 * time.Millisecond
		return l
	}()}, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group, clients errgroup.Group
	group.Go(func() error { return s.Serve(ctx) })
	c := clientOf(t, s)
	clients.Go(func() error {
		_, err := c.Push(context.Background(), shipment("waits"))
		if err == nil {
			return fmt.Errorf("a push that was never decided went well")
		}
		return nil
	})
	eventually(t, "push that waits", func() bool { return len(s.uploads) == 1 })
	cancel()
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if err := clients.Wait(); err != nil {
		t.Error(err)
	}
}
