package control

import (
	"context"
	"math"
	"net/http"

	"go.uber.org/zap"
)

// pause stops the simulation in front of one tick. The answer comes when all shards stand there.
func (s *Server) pause(w http.ResponseWriter, r *http.Request) { s.steer(w, r, "pause", s.host.Pause) }

func (s *Server) resume(w http.ResponseWriter, r *http.Request) {
	s.steer(w, r, "resume", s.host.Resume)
}

// pin keeps the running generation.
func (s *Server) pin(w http.ResponseWriter, r *http.Request) { s.steer(w, r, "pin", s.host.Pin) }

func (s *Server) unpin(w http.ResponseWriter, r *http.Request) { s.steer(w, r, "unpin", s.host.Unpin) }

// step runs a paused simulation for some ticks. The answer comes when they are done.
func (s *Server) step(w http.ResponseWriter, r *http.Request) {
	q, p := query(r, "ticks")
	if p != nil {
		p.write(w)
		return
	}
	ticks, p := number(q, "ticks", 1, 1, math.MaxUint32)
	if p != nil {
		p.write(w)
		return
	}
	s.carryOut(w, r, "step", func(ctx context.Context) error { return s.host.Step(ctx, uint64(ticks)) }, zap.Int64("ticks", ticks))
}

// resize changes the number of workers. The answer comes when that is arranged.
func (s *Server) resize(w http.ResponseWriter, r *http.Request) {
	q, p := query(r, "workers")
	if p != nil {
		p.write(w)
		return
	}
	workers, p := number(q, "workers", 0, math.MinInt32, math.MaxInt32) // the engine knows what is too many
	if p != nil {
		p.write(w)
		return
	}
	s.carryOut(w, r, "resize", func(context.Context) error { return s.host.Resize(int(workers)) }, zap.Int64("workers", workers))
}

// steer carries out an order that has no parameters.
func (s *Server) steer(w http.ResponseWriter, r *http.Request, what string, order func(context.Context) error) {
	if _, p := query(r); p != nil {
		p.write(w)
		return
	}
	s.carryOut(w, r, what, order)
}

// carryOut does what was ordered and answers with the status after it.
func (s *Server) carryOut(w http.ResponseWriter, r *http.Request, what string, order func(context.Context) error, fields ...zap.Field) {
	s.note(r, what, fields...)
	err := order(r.Context())
	s.settle()
	if err != nil {
		problemOf(err).write(w)
		return
	}
	answer(w, s.now())
}
