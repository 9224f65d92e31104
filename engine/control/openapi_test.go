package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/state"
)

// document is what the tests look at in openapi.json.
type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas   map[string]*schema   `json:"schemas"`
		Responses map[string]*response `json:"responses"`
	} `json:"components"`
}

type operation struct {
	Role       string               `json:"x-role"`
	Responses  map[string]*response `json:"responses"`
	Parameters []struct {
		Name string `json:"name"`
		In   string `json:"in"`
	} `json:"parameters"`
}

type response struct {
	Ref     string                              `json:"$ref"`
	Content map[string]struct{ Schema *schema } `json:"content"`
}

type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Enum       []string           `json:"enum"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
	Required   []string           `json:"required"`
	Properties map[string]*schema `json:"properties"`
	Additional json.RawMessage    `json:"additionalProperties"`
	Items      *schema            `json:"items"`
	OneOf      []*schema          `json:"oneOf"`
}

func readDocument(t *testing.T) *document {
	t.Helper()
	var d document
	if err := json.Unmarshal(description, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// check tells why v, as encoding/json decodes it, does not fit s.
func (d *document) check(s *schema, v any) error {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		if d.Components.Schemas[name] == nil {
			return fmt.Errorf("no schema %s", name)
		}
		return d.check(d.Components.Schemas[name], v)
	}
	if len(s.OneOf) > 0 {
		var errs []error
		for _, one := range s.OneOf {
			err := d.check(one, v)
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
	switch s.Type {
	case "object":
		return d.checkObject(s, v)
	case "array":
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("got %T, want an array", v)
		}
		for i, item := range list {
			if err := d.check(s.Items, item); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
	case "string":
		text, ok := v.(string)
		if !ok || len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
			return fmt.Errorf("got %v, want a string of %q", v, s.Enum)
		}
	case "integer", "number":
		n, ok := v.(float64)
		if !ok || s.Type == "integer" && n != float64(int64(n)) || s.Minimum != nil && n < *s.Minimum || s.Maximum != nil && n > *s.Maximum {
			return fmt.Errorf("got %v, want a number that fits", v)
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return fmt.Errorf("got %v, want true or false", v)
		}
	case "null":
		if v != nil {
			return fmt.Errorf("got %v, want null", v)
		}
	default:
		return fmt.Errorf("schema of unknown type %q", s.Type)
	}
	return nil
}

func (d *document) checkObject(s *schema, v any) error {
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("got %T, want an object", v)
	}
	for _, name := range s.Required {
		if _, ok := object[name]; !ok {
			return fmt.Errorf("no %s", name)
		}
	}
	for name, value := range object {
		property := s.Properties[name]
		if property == nil {
			switch string(s.Additional) {
			case "":
				continue
			case "false":
				return fmt.Errorf("unknown property %s", name)
			}
			property = &schema{}
			if err := json.Unmarshal(s.Additional, property); err != nil {
				return err
			}
		}
		if err := d.check(property, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// answerSchema returns the schema for an answer with that status and media type.
func (d *document) answerSchema(method, path string, status int, media string) (*schema, error) {
	op, ok := d.Paths[path][strings.ToLower(method)]
	if !ok {
		op.Responses = map[string]*response{"default": {Ref: "#/components/responses/Problem"}} // of what is not there
	}
	r := op.Responses[fmt.Sprint(status)]
	if r == nil {
		r = op.Responses["default"]
	}
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		r = d.Components.Responses[name]
	}
	media, _, _ = strings.Cut(media, ";")
	content, ok := r.Content[media]
	if !ok {
		return nil, fmt.Errorf("%s %s: status %d with %q is not described", method, path, status, media)
	}
	return content.Schema, nil
}

func TestDescriptionHasTheRoutesThatThereAre(t *testing.T) {
	d := readDocument(t)
	described := map[string]string{}
	for path, operations := range d.Paths {
		for method, op := range operations {
			described[strings.ToUpper(method)+" "+path] = op.Role
		}
	}
	served := map[string]string{}
	for _, r := range (&Server{}).table() {
		served[r.method+" "+r.path] = r.role.String()
	}
	if !maps.Equal(described, served) {
		t.Errorf("described %v\nserved    %v", described, served)
	}
}

func TestDescriptionHasTheFieldsThatThereAre(t *testing.T) {
	d := readDocument(t)
	for name, typ := range map[string]reflect.Type{
		"Status": reflect.TypeFor[Status](), "Generation": reflect.TypeFor[Generation](), "Generations": reflect.TypeFor[Generations](),
		"Outcome": reflect.TypeFor[Outcome](), "Event": reflect.TypeFor[Event](), "Gap": reflect.TypeFor[Gap](),
		"Events": reflect.TypeFor[Events](), "Health": reflect.TypeFor[Health](), "State": reflect.TypeFor[State](),
		"Problem": reflect.TypeFor[Problem](), "Restored": reflect.TypeFor[Restored](), "Workers": reflect.TypeFor[Workers](), "Worker": reflect.TypeFor[Worker](),
		"Distribution": reflect.TypeFor[Distribution](),
	} {
		var fields, required []string
		for _, f := range reflect.VisibleFields(typ) {
			tag, option, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, tag)
			if option != "omitempty" {
				required = append(required, tag)
			}
		}
		s := d.Components.Schemas[name]
		if got := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(got, slices.Sorted(slices.Values(fields))) {
			t.Errorf("%s: described %v, have %v", name, got, fields)
		}
		if !slices.Equal(slices.Sorted(slices.Values(s.Required)), slices.Sorted(slices.Values(required))) {
			t.Errorf("%s: required %v, always there %v", name, s.Required, required)
		}
	}
	var words []string
	for word := range titles {
		words = append(words, problemType+word)
	}
	slices.Sort(words)
	if got := slices.Sorted(slices.Values(d.Components.Schemas["Problem"].Properties["type"].Enum)); !slices.Equal(got, words) {
		t.Errorf("problems: described %v, have %v", got, words)
	}
}

func TestAnswersAreAsDescribed(t *testing.T) {
	d := readDocument(t)
	rejected := &engine.StageError{Stage: engine.StageGuard, Err: errors.New("state_size: expected 16, got 24")}
	fresh := func() *fakeHost { return newFakeHost() }
	empty := func() *fakeHost {
		h := newFakeHost()
		h.status.Generation, h.status.Generations = engine.Generation{}, nil
		return h
	}
	paused := func() *fakeHost {
		h := newFakeHost()
		h.status.Paused = true
		return h
	}
	failing := func(err error) func() *fakeHost {
		return func() *fakeHost {
			h := newFakeHost()
			h.outcome, h.status.Outcome = err, err
			return h
		}
	}
	binary := []string{"Content-Type", mediaTypeArtifact}
	for _, c := range []struct {
		host         func() *fakeHost
		method, path string
		body         string
		headers      []string
		status       int
		exit         float64 // of a verdict or problem
	}{
		{fresh, "GET", "/v1/status", "", nil, 200, 0},
		{empty, "GET", "/v1/status", "", nil, 200, 0},
		{failing(rejected), "GET", "/v1/status", "", nil, 200, 0},
		{failing(engine.ErrUnchanged), "GET", "/v1/status", "", nil, 200, 0},
		{fresh, "GET", "/v1/generations", "", nil, 200, 0},
		{empty, "GET", "/v1/generations", "", nil, 200, 0},
		{fresh, "GET", "/v1/state", "", nil, 200, 0},
		{fresh, "GET", "/v1/state?shard=1&count=3", "", nil, 200, 0},
		{fresh, "GET", "/v1/state?shard=4", "", nil, 400, 1},
		{fresh, "GET", "/v1/state?shard=x", "", nil, 400, 1},
		{fresh, "GET", "/v1/state?shard=1&shard=2", "", nil, 400, 1},
		{fresh, "GET", "/v1/state?worker=1", "", nil, 400, 1},
		{fresh, "GET", "/v1/state?%zz", "", nil, 400, 1},
		{fresh, "GET", "/v1/events", "", nil, 200, 0},
		{fresh, "GET", "/v1/events", "", []string{"Last-Event-ID", "soon"}, 400, 1},
		{fresh, "GET", "/v1/health", "", nil, 200, 0},
		{empty, "GET", "/v1/health", "", nil, 503, 1},
		{fresh, "GET", "/v1/openapi.json", "", nil, 200, 0},
		{fresh, "GET", "/debug/pprof/nothing", "", nil, 404, 1},
		{fresh, "GET", "/debug/pprof/heap?seconds=0", "", nil, 400, 1},
		{fresh, "POST", "/debug/pprof/heap", "", nil, 405, 1},
		{fresh, "POST", "/v1/reload", "", nil, 200, 0},
		{failing(engine.ErrUnchanged), "POST", "/v1/reload", "", nil, 200, 0},
		{failing(rejected), "POST", "/v1/reload", "", nil, 422, 10},
		{failing(engine.ErrNotRunning), "POST", "/v1/reload", "", nil, 503, 1},
		{failing(errors.New("odd")), "POST", "/v1/reload", "", nil, 500, 1},
		{fresh, "POST", "/v1/reload", "now", nil, 400, 1},
		{fresh, "POST", "/v1/rollback", "", nil, 200, 0},
		{fresh, "POST", "/v1/rollback?generation=1", "", nil, 200, 0},
		{fresh, "POST", "/v1/rollback?generation=9", "", nil, 409, 1},
		{fresh, "POST", "/v1/rollback?generation=-1", "", nil, 400, 1},
		{failing(engine.ErrPin), "POST", "/v1/rollback", "", nil, 409, 1},
		{fresh, "GET", "/v1/workers", "", nil, 200, 0},
		{empty, "GET", "/v1/workers", "", nil, 200, 0},
		{fresh, "GET", "/v1/workers?worker=1", "", nil, 400, 1},
		{fresh, "POST", "/v1/pause", "", nil, 200, 0},
		{fresh, "POST", "/v1/pause?now", "", nil, 400, 1},
		{failing(engine.ErrNotRunning), "POST", "/v1/pause", "", nil, 503, 1},
		{fresh, "POST", "/v1/resume", "", nil, 200, 0},
		{fresh, "POST", "/v1/step", "", nil, 409, 1},
		{paused, "POST", "/v1/step", "", nil, 200, 0},
		{paused, "POST", "/v1/step?ticks=4294967295", "", nil, 200, 0},
		{paused, "POST", "/v1/step?ticks=4294967296", "", nil, 400, 1},
		{paused, "POST", "/v1/step?ticks=0", "", nil, 400, 1},
		{paused, "POST", "/v1/step?ticks=1.5", "", nil, 400, 1},
		{fresh, "POST", "/v1/pin", "", nil, 200, 0},
		{fresh, "POST", "/v1/unpin", "", nil, 200, 0},
		{fresh, "POST", "/v1/resize?workers=3", "", nil, 200, 0},
		{fresh, "POST", "/v1/resize", "", nil, 400, 1},
		{fresh, "POST", "/v1/resize?workers=1025", "", nil, 400, 1},
		{fresh, "POST", "/v1/resize?workers=99999999999999999999", "", nil, 400, 1},
		{fresh, "POST", "/v1/artifacts?name=logic.so", "library", binary, 200, 0},
		{failing(rejected), "POST", "/v1/artifacts?name=logic.so", "library", binary, 422, 10},
		{fresh, "POST", "/v1/artifacts?name=logic.so", "library", append(binary, "If-Match", `"1"`), 200, 0},
		{fresh, "POST", "/v1/artifacts?name=logic.so", "library", append(binary, "If-Match", `*`), 200, 0},
		{empty, "POST", "/v1/artifacts?name=logic.so", "library", append(binary, "If-Match", `*`), 412, 1},
		{fresh, "POST", "/v1/artifacts?name=logic.so", "library", append(binary, "If-Match", `"2"`), 412, 1},
		{fresh, "POST", "/v1/artifacts?name=logic.so", "library", append(binary, "If-Match", `W/"1"`), 400, 1},
		{fresh, "POST", "/v1/artifacts?name=logic.so", "library", nil, 415, 1},
		{fresh, "POST", "/v1/artifacts", "library", binary, 400, 1},
		{fresh, "POST", "/v1/artifacts?name=../logic.so", "library", binary, 400, 1},
		{fresh, "POST", "/v1/artifacts?name=a%00.so", "library", binary, 400, 1},
		{fresh, "POST", "/v1/artifacts?name=logic.so", "library", append(binary, headerDigest, "md5=:AA==:"), 400, 1},
		{fresh, "POST", "/v1/snapshot", string(snapshotOf(newFakeHost())), []string{"Content-Type", mediaTypeSnapshot}, 200, 0},
		{fresh, "POST", "/v1/snapshot", "snapshot", []string{"Content-Type", mediaTypeSnapshot}, 422, 1},
		{fresh, "POST", "/v1/snapshot", "snapshot", nil, 415, 1},
		{fresh, "POST", "/v1/snapshot?fast=1", "snapshot", nil, 400, 1},
		{failing(&engine.LayoutError{Remedy: "none"}), "POST", "/v1/snapshot", "snapshot", []string{"Content-Type", mediaTypeSnapshot}, 409, 1},
		{failing(engine.ErrNoCommonTick), "GET", "/v1/snapshot", "", nil, 409, 1},
		{failing(engine.ErrNotRunning), "GET", "/v1/snapshot", "", nil, 503, 1},
		{fresh, "GET", "/v1/snapshot", "body", nil, 400, 1},
		{fresh, "PUT", "/v1/snapshot", "", nil, 405, 1},
		{fresh, "DELETE", "/v1/artifacts", "", nil, 405, 1},
		{fresh, "POST", "/v1/status", "", nil, 405, 1},
		{fresh, "GET", "/v2/status", "", nil, 404, 1},
		{fresh, "GET", "/", "", nil, 404, 1},
	} {
		t.Run(fmt.Sprintf("%s %s %d", c.method, c.path, c.status), func(t *testing.T) {
			s := serve(t, c.host(), Config{})
			var body io.Reader
			if c.body != "" {
				body = strings.NewReader(c.body)
			}
			got, err := exchange(t, clientOf(t, s), c.method, c.path, body, c.headers...)
			status, text := got.status, got.body
			if err != nil || status != c.status {
				t.Fatalf("status %d, want %d: %s %v", status, c.status, text, err)
			}
			path, _, _ := strings.Cut(c.path, "?")
			want, err := d.answerSchema(c.method, path, status, got.header.Get("Content-Type"))
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if err := d.check(want, v); err != nil {
				t.Errorf("%v: %s", err, text)
			}
			object := v.(map[string]any)
			if exit, ok := object["exit_code"]; ok && exit != c.exit {
				t.Errorf("exit code %v, want %v", exit, c.exit)
			}
			if status >= 400 && object["status"] != float64(status) {
				t.Errorf("problem with status %v in an answer with status %d", object["status"], status)
			}
			if status == http.StatusMethodNotAllowed && got.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestEventsAreAsDescribed(t *testing.T) {
	d := readDocument(t)
	for _, ev := range []engine.Event{
		{Seq: 1, Time: time.Now(), Kind: engine.Changed, Paths: []string{"logic.c"}},
		{Seq: 2, Time: time.Now(), Kind: engine.Swapped, Generation: engine.Generation{Number: 1}, Stages: engine.Stages{Build: time.Second}},
		{Seq: 3, Time: time.Now(), Kind: engine.Rejected, Err: &engine.StageError{Stage: engine.StageBuild, Err: errors.New("no")}},
		{Seq: 4, Time: time.Now(), Kind: engine.Ended},
		{Seq: 5, Time: time.Now(), Kind: engine.RolledBack, Migration: &engine.Migration{
			Way: engine.AsKept, Tick: 9, Kept: 3, Added: []string{"a"}, Dropped: []string{"b"}, Held: time.Millisecond,
		}},
		{Seq: 6, Time: time.Now(), Kind: engine.Rejected, Err: &engine.StageError{Stage: engine.StageGuard, Err: &engine.LayoutError{
			Differences: []state.Difference{{Name: "score", Change: state.Moved, Running: "i32@0", Candidate: "i32@8"}},
		}}},
	} {
		var v any
		if err := json.Unmarshal(newRecord(newEvent(ev)).data, &v); err != nil {
			t.Fatal(err)
		}
		if err := d.check(d.Components.Schemas["Event"], v); err != nil {
			t.Errorf("%s: %v", ev.Kind, err)
		}
	}
}
