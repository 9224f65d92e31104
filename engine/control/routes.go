package control

import (
	_ "embed"
	"net/http"
	"strings"
)

// unixHost is what clients put into Host on a unix socket.
const unixHost = "hotreload"

// description is the OpenAPI document: what routes answer, for people and their tools.
//
//go:embed openapi.json
var description []byte

// route is one operation of the API.
type route struct {
	method, path string
	role         Role
	serve        http.HandlerFunc
}

func (s *Server) table() []route {
	return []route{
		{"GET", "/v1/status", Read, s.status},
		{"GET", "/v1/generations", Read, s.generations},
		{"GET", "/v1/workers", Read, s.workers},
		{"GET", "/v1/state", Read, s.state},
		{"GET", "/v1/events", Read, s.listEvents},
		{"GET", "/v1/health", Read, s.health},
		{"GET", "/v1/openapi.json", Read, describe},
		{"GET", "/metrics", Read, s.measure},
		{"GET", "/debug/pprof/{profile}", Operate, s.profile},
		{"POST", "/v1/reload", Operate, s.reload},
		{"POST", "/v1/rollback", Operate, s.rollback},
		{"POST", "/v1/pause", Operate, s.pause},
		{"POST", "/v1/resume", Operate, s.resume},
		{"POST", "/v1/step", Operate, s.step},
		{"POST", "/v1/pin", Operate, s.pin},
		{"POST", "/v1/unpin", Operate, s.unpin},
		{"POST", "/v1/resize", Operate, s.resize},
		{"GET", snapshotPath, Operate, s.save},
		{"POST", snapshotPath, Deploy, s.restore}, // bytes that code trusts are as good as code
		{"POST", "/v1/artifacts", Deploy, s.push},
	}
}

// routes returns the handler for all of the table, and for what is not in it.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range s.table() {
		mux.Handle(r.method+" "+r.path, s.allow(r))
		methods[r.path] = append(methods[r.path], r.method)
	}
	for path, known := range methods {
		allowed := strings.Join(known, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allowed)
			problem(http.StatusMethodNotAllowed, "method-not-allowed", "expected %s, got %.20q", allowed, r.Method).write(w)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(http.StatusNotFound, "not-found", "expected a path that /v1/openapi.json lists, got %.100q", r.URL.Path).write(w)
	})
	return mux
}

// allow serves a route to those whose role allows it.
func (s *Server) allow(to route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := whoIs(r); v.role < to.role {
			problem(http.StatusForbidden, "forbidden", "expected the role %s, got %s", to.role, v.role).write(w)
			return
		}
		if !to.takesBody() && r.ContentLength != 0 {
			problem(http.StatusBadRequest, "bad-request", "expected no body").write(w)
			return
		}
		to.serve(w, r)
	})
}

// takesBody tells whether requests for the route have one.
func (r route) takesBody() bool {
	return r.path == pushPath || r.path == snapshotPath && r.method == http.MethodPost
}

const pushPath = "/v1/artifacts"

func describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(description)
}
