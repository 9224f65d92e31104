package control

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"hotreload/engine"

	"go.uber.org/zap"
)

// Headers of a push.
const (
	headerDigest    = "Content-Digest" // RFC 9530: what the bytes must hash to
	headerSignature = "Hotreload-Signature"
)

const mediaTypeArtifact = "application/octet-stream"

// push takes a library from elsewhere. Whatever can be refused is refused before the body is read, so that a client that
// waits for "100 Continue" does not send it. The answer is the verdict.
func (s *Server) push(w http.ResponseWriter, r *http.Request) {
	order, p := s.readOrder(r)
	if p != nil {
		p.write(w)
		return
	}
	if !s.uploads.take() {
		busy(w, "%d uploads are under way, which is all that is taken at once: try again", cap(s.uploads))
		return
	}
	defer s.uploads.free()
	body := s.newUpload(w, r)
	defer body.drain()
	order.Accept = func(hash string) error {
		if err := body.done(); err != nil {
			return err
		}
		if p := s.vouch(order, hash); p != nil {
			return p
		}
		s.note(r, "push", zap.String("name", order.Name), zap.String("hash", hash))
		return nil
	}
	g, err := s.host.Push(r.Context(), order.Push, body)
	s.conclude(w, ResultSwapped, g, body.verdict(w, err))
}

// order is what the headers of a push ask for.
type order struct {
	engine.Push
	digest    []byte // nil: not announced
	signature *Signature
}

func (s *Server) readOrder(r *http.Request) (*order, *Problem) {
	q, p := query(r, "name")
	if p != nil {
		return nil, p
	}
	o := &order{Push: engine.Push{Name: q.Get("name"), Limit: s.cfg.MaxPush}}
	if !plainName(o.Name) {
		return nil, problem(http.StatusBadRequest, "bad-request", "name: expected a file name such as logic.so, got %.100q", o.Name)
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != mediaTypeArtifact {
		return nil, problem(http.StatusUnsupportedMediaType, "media-type", "expected Content-Type %s, got %.100q", mediaTypeArtifact, r.Header.Get("Content-Type"))
	}
	if r.ContentLength > s.cfg.MaxPush {
		return nil, problemOf(&engine.TooLargeError{Limit: s.cfg.MaxPush})
	}
	if p := o.readMatch(r, s.host.Status().Generation.Number); p != nil {
		return nil, p
	}
	if p := o.readDigest(r); p != nil {
		return nil, p
	}
	return o, s.readSignature(r, o)
}

// plainName tells whether name can stand in a log and in a directory.
func plainName(name string) bool {
	if name == "" || len(name) > 200 || name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return false
	}
	for _, c := range name {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}

// readMatch reads If-Match, whose entity is the generation that runs. The engine decides; here a push that cannot
// succeed any more is refused early.
func (o *order) readMatch(r *http.Request, running uint64) *Problem {
	text := r.Header.Get("If-Match")
	if text == "" || text == "*" && running != 0 {
		return nil
	}
	number, err := strconv.ParseUint(strings.Trim(text, `"`), 10, 64)
	switch {
	case text == "*":
		return problem(http.StatusPreconditionFailed, "other-generation", "expected a generation to run, but none does")
	case err != nil || number == 0 || len(r.Header.Values("If-Match")) != 1:
		return problem(http.StatusBadRequest, "bad-request", `If-Match: expected the number of a generation in quotes, such as "7", got %.40q`, text)
	case number != running:
		return problemOf(&engine.GenerationError{Expected: number, Running: running})
	}
	o.If = number
	return nil
}

func (o *order) readDigest(r *http.Request) *Problem {
	text := r.Header.Get(headerDigest)
	if text == "" {
		return nil
	}
	raw, ok := strings.CutPrefix(text, "sha-256=:")
	raw, closed := strings.CutSuffix(raw, ":")
	digest, err := base64.StdEncoding.DecodeString(raw)
	if !ok || !closed || err != nil || len(digest) != 32 {
		return problem(http.StatusBadRequest, "bad-request", "%s: expected sha-256=:BASE64:, got %.100q", headerDigest, text)
	}
	o.digest = digest
	return nil
}

func (s *Server) readSignature(r *http.Request, o *order) *Problem {
	if s.trusted == nil {
		return nil
	}
	text := r.Header.Get(headerSignature)
	if text == "" {
		return problem(http.StatusForbidden, "signature", "expected an artifact that is signed, got none: run 'hotreload sign' with a key that this host trusts")
	}
	signature, err := ParseSignature(text)
	if err != nil {
		return problem(http.StatusBadRequest, "bad-request", "%v", err)
	}
	if _, ok := s.trusted[signature.Key]; !ok {
		return problem(http.StatusForbidden, "signature", "expected a signature by a trusted key, got one by %.64q", signature.Key)
	}
	o.signature = &signature
	return nil
}

// vouch compares the bytes that came, of that hash, with what was announced and signed.
func (s *Server) vouch(o *order, hash string) *Problem {
	got, err := hex.DecodeString(hash)
	if err != nil || o.digest != nil && subtle.ConstantTimeCompare(got, o.digest) != 1 {
		return problem(http.StatusBadRequest, "digest", "expected bytes with the SHA-256 %x, got %s: the transfer has changed them", o.digest, hash)
	}
	if s.trusted == nil {
		return nil
	}
	if err := s.trusted.verify(*o.signature, hash, time.Now()); err != nil {
		return problem(http.StatusForbidden, "signature", "%v", err)
	}
	return nil
}

// upload is the body of a push: each piece of it must come in time.
type upload struct {
	r       io.Reader
	control *http.ResponseController
	stall   time.Duration
	linger  time.Duration
	taken   int64
	ended   bool // there is no more
}

func (s *Server) newUpload(w http.ResponseWriter, r *http.Request) *upload {
	u := &upload{r: r.Body, control: http.NewResponseController(w), stall: s.cfg.limits.stall, linger: s.cfg.limits.end}
	_ = u.control.EnableFullDuplex() // a refusal need not wait for the rest of the body; where it cannot be had it does
	return u
}

// transferError is a body that ended before its end.
type transferError struct{ err error }

func (e *transferError) Error() string { return e.err.Error() }
func (e *transferError) Unwrap() error { return e.err }

func (e *transferError) problem(taken int64) *Problem {
	if errors.Is(e.err, os.ErrDeadlineExceeded) {
		return problem(http.StatusRequestTimeout, "timeout", "expected the rest of the body, got nothing for too long after %d bytes", taken)
	}
	return problem(http.StatusBadRequest, "cut-short", "expected the whole body, got %d bytes: %v", taken, e.err)
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	if err := u.control.SetReadDeadline(time.Now().Add(u.stall)); err != nil {
		return 0, &transferError{err}
	}
	n, err := u.r.Read(p)
	u.taken += int64(n)
	switch {
	case err == io.EOF:
		u.ended = true
		_ = u.done() // from here on the client waits for us
	case err != nil:
		err = &transferError{err}
	}
	return n, err
}

// verdict returns what err, of who has read the body, is to the client.
func (u *upload) verdict(w http.ResponseWriter, err error) error {
	if err != nil && !u.ended {
		w.Header().Set("Connection", "close")
	}
	if transfer := (*transferError)(nil); errors.As(err, &transfer) {
		return transfer.problem(u.taken)
	}
	return err
}

// drain, after the answer, sends it to a client that is still sending and reads on for a while: a connection that is
// closed on somebody who writes keeps the answer from them.
func (u *upload) drain() {
	if !u.ended && u.control.Flush() == nil && u.control.SetReadDeadline(time.Now().Add(u.linger)) == nil {
		_, _ = io.Copy(io.Discard, u.r) // until the client has seen the answer, or is gone
	}
}

// done lifts the deadline: from here on the client waits for us.
func (u *upload) done() error { return u.control.SetReadDeadline(time.Time{}) }
