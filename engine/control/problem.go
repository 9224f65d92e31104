package control

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Problem is an answer that says what went wrong: RFC 9457, application/problem+json.
type Problem struct {
	Type   string `json:"type"`   // "urn:hotreload:problem:" and a word that stays the same from version to version
	Title  string `json:"title"`  // that word for people
	Status int    `json:"status"` // the HTTP status
	Detail string `json:"detail"` // what was expected, what came, what to do
	// Stage and Result are those of the Outcome, for a reload that was refused.
	Stage  string `json:"stage,omitempty"`
	Result string `json:"result,omitempty"`
	// ExitCode is what the hotreload command ends with for this problem.
	ExitCode int `json:"exit_code"`
}

const problemType = "urn:hotreload:problem:"

// titles names every type of problem that there is.
var titles = map[string]string{
	"bad-request":        "The request is malformed",
	"unauthorized":       "Who asks is not known",
	"forbidden":          "The role does not allow this",
	"foreign-origin":     "The request comes from a web page of another origin",
	"foreign-host":       "The request is meant for another host",
	"not-found":          "There is no such resource",
	"method-not-allowed": "The resource does not know this method",
	"other-generation":   "Another generation runs than the one that was expected",
	"too-large":          "The artifact is too large",
	"media-type":         "The body has the wrong media type",
	"digest":             "The bytes are not those that were announced",
	"signature":          "The artifact is not signed by a key that is trusted",
	"rejected":           "A stage refused the reload",
	"not-kept":           "The host cannot roll back to that",
	"pin":                "The running generation is pinned",
	"other-state":        "The snapshot is of another state",
	"bad-snapshot":       "The snapshot is not whole",
	"no-common-tick":     "The shards have no tick in common",
	"not-paused":         "The simulation is not paused",
	"not-running":        "The engine does not run",
	"timeout":            "It took too long",
	"busy":               "Too many do this at once",
	"cut-short":          "The body ended early",
	"disk-full":          "The host's disk is full",
	"internal":           "The host failed",
}

func problem(status int, word, format string, args ...any) *Problem {
	return &Problem{
		Type: problemType + word, Title: titles[word], Status: status, Detail: fmt.Sprintf(format, args...), ExitCode: 1,
	}
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Stage != "" {
		return p.Stage + ": " + p.Detail
	}
	return p.Detail
}

// write sends the problem as the answer.
func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // to a client that may be gone
}

// answer sends v as JSON with status 200.
func answer(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		problem(http.StatusInternalServerError, "internal", "cannot encode the answer: %v", err).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n')) // to a client that may be gone
}
