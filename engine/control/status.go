package control

import (
	"net/http"
	"os"
	"time"

	"hotreload/engine"
)

func (s *Server) status(w http.ResponseWriter, _ *http.Request) { answer(w, s.now()) }

// now returns the host's status at this moment.
func (s *Server) now() Status {
	st := s.host.Status()
	return Status{
		Running: st.Running, PID: os.Getpid(), Uptime: time.Since(s.started).Seconds(), Generation: newGeneration(st.Generation),
		Ticks: st.Ticks, Shards: st.Shards, Workers: st.Workers, Paused: st.Paused, Pin: st.Pin, Swaps: st.Swaps,
		Rejections: st.Rejections, Faults: st.Faults, Loaded: st.Loaded, Reclaimed: st.Reclaimed, Pinned: st.Pinned,
		Watch: st.Watch, Outcome: outcomeOf(st),
	}
}

// outcomeOf returns what became of the last reload.
func outcomeOf(st engine.Status) Outcome {
	if st.Outcome == nil && st.Generation.Number == 0 {
		return Outcome{Result: ResultNone}
	}
	return newOutcome(st.Outcome)
}

func (s *Server) generations(w http.ResponseWriter, _ *http.Request) {
	st := s.host.Status()
	all := Generations{Running: st.Generation.Number, Generations: make([]Generation, 0, len(st.Generations))}
	for _, g := range st.Generations {
		all.Generations = append(all.Generations, *newGeneration(g))
	}
	answer(w, all)
}

// health answers 200 while a generation runs, else 503: what load balancers and supervisors look at.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	st := s.host.Status()
	switch {
	case !st.Running:
		problem(http.StatusServiceUnavailable, "not-running", "the engine does not run").write(w)
	case st.Generation.Number == 0:
		problem(http.StatusServiceUnavailable, "not-running", "the engine waits for a first library that is good").write(w)
	default:
		answer(w, Health{Status: "ok"})
	}
}
