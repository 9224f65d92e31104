package control

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Target says which host a client talks to.
type Target struct {
	// Address is "unix:PATH" or "HOST:PORT".
	Address string
	// TokenFile has the token for a host on loopback. "": DefaultTokenFile.
	TokenFile string
	// TLS is a directory with a client's certificates (see PKI). "": in the clear, on loopback only.
	TLS string
}

// Client talks to one host. Its methods return a *Problem for what the host refuses. They may be called concurrently.
type Client struct {
	http  *http.Client
	base  string // scheme and authority
	token string
}

const (
	dialTimeout = 5 * time.Second
	// maxAnswer bounds what a client reads of an answer: a state view is the longest.
	maxAnswer = 32 << 20
)

// NewClient returns a client; it does not connect yet.
func NewClient(to Target) (*Client, error) {
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ExpectContinueTimeout: dialTimeout,
		MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second,
	}
	c := &Client{http: &http.Client{Transport: transport, CheckRedirect: noRedirects}}
	if path, ok := strings.CutPrefix(to.Address, "unix:"); ok {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		}
		c.base = "http://" + unixHost
		return c, nil
	}
	name, port, err := net.SplitHostPort(to.Address)
	if err != nil || name == "" || port == "" {
		return nil, fmt.Errorf("host: expected unix:PATH or HOST:PORT, got %q", to.Address)
	}
	if to.TLS != "" {
		if transport.TLSClientConfig, err = loadClient(to.TLS); err != nil {
			return nil, err
		}
		c.base = "https://" + to.Address
		return c, nil
	}
	if !loopback(name) {
		return nil, fmt.Errorf("host %s: %w", to.Address, errClientNeedsTLS)
	}
	t, err := to.tokens()
	if err != nil {
		return nil, err
	}
	c.token, _ = t.best(Deploy)
	c.base = "http://" + to.Address
	return c, nil
}

// tokens reads the token file.
func (to Target) tokens() (tokens, error) {
	path := to.TokenFile
	if path == "" {
		var err error
		if path, err = DefaultTokenFile(); err != nil {
			return nil, err
		}
	}
	t, _, err := loadTokens(path, false)
	return t, err
}

// errClientNeedsTLS keeps a token from going over the network in the clear.
var errClientNeedsTLS = errors.New("another machine is reached with certificates only: name the client's directory with --tls")

func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close gives up idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status returns the host's status.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, "/v1/status", nil)
}

// Generations returns the generations that are loaded.
func (c *Client) Generations(ctx context.Context) (Generations, error) {
	return get[Generations](ctx, c, "/v1/generations", nil)
}

// State returns the state of count shards from first on.
func (c *Client) State(ctx context.Context, first, count int) (State, error) {
	return get[State](ctx, c, "/v1/state", url.Values{"shard": {strconv.Itoa(first)}, "count": {strconv.Itoa(count)}})
}

// Workers returns what each worker does and how well it keeps time.
func (c *Client) Workers(ctx context.Context) (Workers, error) {
	return get[Workers](ctx, c, "/v1/workers", nil)
}

// Metrics returns what the host answers to Prometheus, in its text format.
func (c *Client) Metrics(ctx context.Context) ([]byte, error) {
	r, err := c.request(ctx, http.MethodGet, "/metrics", nil, nil)
	if err != nil {
		return nil, err
	}
	got, err := c.do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return text, nil
}

// Events returns the events that are kept.
func (c *Client) Events(ctx context.Context) (Events, error) {
	return get[Events](ctx, c, "/v1/events", nil)
}

// Reload has the host build and swap, and returns the verdict.
func (c *Client) Reload(ctx context.Context) (Verdict, error) {
	return post[Verdict](ctx, c, "/v1/reload", nil)
}

// Rollback has the host run the artifact of an earlier generation again, 0 meaning the one before.
func (c *Client) Rollback(ctx context.Context, generation uint64) (Verdict, error) {
	q := url.Values{}
	if generation != 0 {
		q.Set("generation", strconv.FormatUint(generation, 10))
	}
	return post[Verdict](ctx, c, "/v1/rollback", q)
}

// Pause has the simulation stop, and returns the status when it stands. Pausing twice is no error.
func (c *Client) Pause(ctx context.Context) (Status, error) {
	return post[Status](ctx, c, "/v1/pause", nil)
}

// Resume has a paused simulation run on.
func (c *Client) Resume(ctx context.Context) (Status, error) {
	return post[Status](ctx, c, "/v1/resume", nil)
}

// Step has a paused simulation run for so many ticks, and returns the status when they are done.
func (c *Client) Step(ctx context.Context, ticks uint64) (Status, error) {
	return post[Status](ctx, c, "/v1/step", url.Values{"ticks": {strconv.FormatUint(ticks, 10)}})
}

// Pin has the host keep the generation that runs until Unpin.
func (c *Client) Pin(ctx context.Context) (Status, error) {
	return post[Status](ctx, c, "/v1/pin", nil)
}

// Unpin ends Pin: what has changed meanwhile is swapped in.
func (c *Client) Unpin(ctx context.Context) (Status, error) {
	return post[Status](ctx, c, "/v1/unpin", nil)
}

// Resize has the host tick its shards on so many workers.
func (c *Client) Resize(ctx context.Context, workers int) (Status, error) {
	return post[Status](ctx, c, "/v1/resize", url.Values{"workers": {strconv.Itoa(workers)}})
}

// Shipment is a library to push.
type Shipment struct {
	Name      string
	Size      int64
	Hash      string // SHA-256, hexadecimal
	Body      io.Reader
	If        uint64 // the generation that must be running; 0: any
	Signature string // as text; "" without any
}

// Push sends a library and returns the verdict. Nothing is sent if the host refuses it beforehand.
func (c *Client) Push(ctx context.Context, s Shipment) (Verdict, error) {
	r, err := c.request(ctx, http.MethodPost, pushPath, url.Values{"name": {s.Name}}, s.Body)
	if err != nil {
		return Verdict{}, err
	}
	digest, err := hex.DecodeString(s.Hash)
	if err != nil {
		return Verdict{}, fmt.Errorf("push: hash: %w", err)
	}
	r.ContentLength = s.Size
	r.Header.Set("Content-Type", mediaTypeArtifact)
	r.Header.Set("Expect", "100-continue")
	r.Header.Set(headerDigest, "sha-256=:"+base64.StdEncoding.EncodeToString(digest)+":")
	if s.If != 0 {
		r.Header.Set("If-Match", fmt.Sprintf(`"%d"`, s.If))
	}
	if s.Signature != "" {
		r.Header.Set(headerSignature, s.Signature)
	}
	return receive[Verdict](c, r)
}

func get[T any](ctx context.Context, c *Client, path string, q url.Values) (T, error) {
	r, err := c.request(ctx, http.MethodGet, path, q, nil)
	if err != nil {
		var none T
		return none, err
	}
	return receive[T](c, r)
}

func post[T any](ctx context.Context, c *Client, path string, q url.Values) (T, error) {
	r, err := c.request(ctx, http.MethodPost, path, q, nil)
	if err != nil {
		var none T
		return none, err
	}
	return receive[T](c, r)
}

func (c *Client) request(ctx context.Context, method, path string, q url.Values, body io.Reader) (*http.Request, error) {
	address := c.base + path
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return r, nil
}

// do sends a request; the answer is one with status 200, and everything else an error.
func (c *Client) do(r *http.Request) (*http.Response, error) {
	got, err := c.http.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) { // without the address, which on a unix socket means nothing
			err = u.Err
		}
		return nil, fmt.Errorf("cannot reach the host: %w", err)
	}
	if got.StatusCode == http.StatusOK {
		return got, nil
	}
	defer func() { _ = got.Body.Close() }()
	p := &Problem{}
	text, err := io.ReadAll(io.LimitReader(got.Body, 1<<20))
	if err != nil || json.Unmarshal(text, p) != nil || p.Type == "" {
		return nil, fmt.Errorf("expected a hotreload host, got an answer with status %s", got.Status)
	}
	return nil, p
}

func receive[T any](c *Client, r *http.Request) (answer T, err error) {
	got, err := c.do(r)
	if err != nil {
		return answer, err
	}
	defer func() { _ = got.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(got.Body, maxAnswer)).Decode(&answer); err != nil {
		return answer, fmt.Errorf("expected an answer of a hotreload host: %w", err)
	}
	return answer, nil
}
