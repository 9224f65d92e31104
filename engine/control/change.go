package control

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"syscall"

	"hotreload/engine"
	"hotreload/engine/state"
	"hotreload/workers"

	"go.uber.org/zap"
)

// reload builds and swaps now. The answer is the verdict, which takes as long as the build.
func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	if _, p := query(r); p != nil {
		p.write(w)
		return
	}
	s.note(r, "reload")
	err := s.host.Reload(r.Context())
	s.conclude(w, ResultSwapped, s.host.Status().Generation, err)
}

// rollback publishes an earlier artifact again.
func (s *Server) rollback(w http.ResponseWriter, r *http.Request) {
	q, p := query(r, "generation")
	if p != nil {
		p.write(w)
		return
	}
	generation := uint64(0)
	if text := q.Get("generation"); text != "" {
		var err error
		if generation, err = strconv.ParseUint(text, 10, 64); err != nil || generation == 0 {
			problem(http.StatusBadRequest, "bad-request", "generation: expected the number of one that is kept, got %.40q", text).write(w)
			return
		}
	}
	s.note(r, "rollback", zap.Uint64("generation", generation))
	err := s.host.Rollback(r.Context(), generation)
	s.conclude(w, ResultRolledBack, s.host.Status().Generation, err)
}

// note logs who changes something.
func (s *Server) note(r *http.Request, what string, fields ...zap.Field) {
	v := whoIs(r)
	s.log.Info(what, append(fields, zap.String("by", v.name), zap.String("from", r.RemoteAddr), engine.Text("%s asked for by %s", what, v.name))...)
}

// conclude answers with the verdict on a change. running is the generation that runs after it.
func (s *Server) conclude(w http.ResponseWriter, good string, running engine.Generation, err error) {
	s.settle()
	if err != nil && !errors.Is(err, engine.ErrUnchanged) {
		problemOf(err).write(w)
		return
	}
	o := newOutcome(err)
	if err == nil {
		o.Result = good
	}
	answer(w, Verdict{Outcome: o, Generation: newGeneration(running)})
}

// problemOf returns what an error of the engine is to a client.
func problemOf(err error) *Problem {
	var (
		given    *Problem
		stage    *engine.StageError
		other    *engine.GenerationError
		large    *engine.TooLargeError
		shards   *engine.ShardError
		kept     *engine.NotKeptError
		layout   *engine.LayoutError
		snapshot *state.SnapshotError
	)
	switch {
	case errors.As(err, &given):
		return given
	case errors.As(err, &stage):
		o := newOutcome(err)
		p := problem(http.StatusUnprocessableEntity, "rejected", "%s", o.Error)
		p.Stage, p.Result, p.ExitCode = o.Stage, o.Result, o.ExitCode
		return p
	case errors.As(err, &other):
		return problem(http.StatusPreconditionFailed, "other-generation", "%v", other)
	case errors.As(err, &large):
		return problem(http.StatusRequestEntityTooLarge, "too-large", "%v", large)
	case errors.As(err, &shards):
		return problem(http.StatusBadRequest, "bad-request", "%v", shards)
	case errors.As(err, &kept):
		return problem(http.StatusConflict, "not-kept", "%v", kept)
	case errors.Is(err, engine.ErrPin):
		return problem(http.StatusConflict, "pin", "%v", err)
	case errors.As(err, &layout):
		return problem(http.StatusConflict, "other-state", "%v", layout)
	case errors.As(err, &snapshot):
		return problem(http.StatusUnprocessableEntity, "bad-snapshot", "%v", snapshot)
	case errors.Is(err, engine.ErrNoCommonTick):
		return problem(http.StatusConflict, "no-common-tick", "%v", err)
	case errors.Is(err, engine.ErrNotPaused):
		return problem(http.StatusConflict, "not-paused", "%v", err)
	case errors.Is(err, engine.ErrConfig):
		return problem(http.StatusBadRequest, "bad-request", "%v", err)
	case errors.Is(err, engine.ErrNotRunning), errors.Is(err, workers.ErrEnded):
		return problem(http.StatusServiceUnavailable, "not-running", "%v", err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem(http.StatusGatewayTimeout, "timeout", "the host did not answer in time: %v", err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return problem(http.StatusInsufficientStorage, "disk-full", "%v", err)
	}
	return problem(http.StatusInternalServerError, "internal", "%v", err)
}

// query returns the parameters of a request, each of which must be known and given once.
func query(r *http.Request, known ...string) (url.Values, *Problem) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, problem(http.StatusBadRequest, "bad-request", "query: %v", err)
	}
	for name, values := range q {
		good := false
		for _, k := range known {
			good = good || name == k
		}
		if !good {
			return nil, problem(http.StatusBadRequest, "bad-request", "query: expected parameters among %q, got %.40q", known, name)
		}
		if len(values) != 1 {
			return nil, problem(http.StatusBadRequest, "bad-request", "query: expected %s once, got it %d times", name, len(values))
		}
	}
	return q, nil
}

// number returns the parameter name of q as a whole number from least to most; absent when it is not given.
func number(q url.Values, name string, absent, least, most int64) (int64, *Problem) {
	text := q.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, problem(http.StatusBadRequest, "bad-request", "%s: expected a whole number from %d to %d, got %.40q", name, least, most, text)
	}
	return n, nil
}
