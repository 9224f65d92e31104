package control

import (
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"time"
)

// profile answers with a profile of this process, in the form and under the name that net/http/pprof would: "profile" of
// the processor and "trace" over some seconds, and those of runtime/pprof as they are.
func (s *Server) profile(w http.ResponseWriter, r *http.Request) {
	q, p := query(r, "seconds", "debug")
	if p != nil {
		p.write(w)
		return
	}
	seconds, p := number(q, "seconds", 10, 1, 600)
	if p != nil {
		p.write(w)
		return
	}
	debug, p := number(q, "debug", 0, 0, 2)
	if p != nil {
		p.write(w)
		return
	}
	var err error
	switch name := r.PathValue("profile"); name {
	case "profile":
		if err = pprof.StartCPUProfile(binary{w}); err == nil {
			pass(r, seconds)
			pprof.StopCPUProfile()
		}
	case "trace":
		if err = trace.Start(binary{w}); err == nil {
			pass(r, seconds)
			trace.Stop()
		}
	default:
		known := pprof.Lookup(name)
		if known == nil {
			problem(http.StatusNotFound, "not-found", "expected profile, trace, heap, goroutine or another that runtime/pprof has, got %.40q", name).write(w)
			return
		}
		_ = known.WriteTo(binary{w}, int(debug)) // to a client that may be gone
	}
	if err != nil {
		problem(http.StatusConflict, "busy", "another client takes one: %v", err).write(w)
	}
}

// pass lets so much time pass, as long as the client waits.
func pass(r *http.Request, seconds int64) {
	after := time.NewTimer(time.Duration(seconds) * time.Second)
	defer after.Stop()
	select {
	case <-after.C:
	case <-r.Context().Done():
	}
}

// binary is an answer in bytes that mean nothing to a browser.
type binary struct{ http.ResponseWriter }

// Write implements io.Writer.
func (b binary) Write(p []byte) (int, error) {
	b.Header().Set("Content-Type", mediaTypeArtifact)
	return b.ResponseWriter.Write(p)
}
