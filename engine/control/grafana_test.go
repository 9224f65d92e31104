package control

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hotreload/engine"
	"hotreload/engine/trial"
)

// What the dashboard asks for is there, in a host that has swapped, refused, faulted and rolled back: each metric, and
// each label by which it groups.
func TestDashboardAsksForWhatThereIs(t *testing.T) {
	s, dir := runCounter(t, engine.Config{Shards: 2, ProbationTicks: 1, Trial: trial.Off}, 1)
	c, ctx := clientOf(t, s), t.Context()
	if _, err := c.Push(ctx, shipmentOf(t, stepping(t, dir, 2))); err != nil {
		t.Fatal(err)
	}
	_, err := c.Push(ctx, shipment("no library"))
	wantProblem(t, err, "rejected")
	if _, err := c.Push(ctx, shipmentOf(t, stepping(t, dir, 0))); err != nil {
		t.Fatal(err)
	}
	var there map[string]string
	eventually(t, "rollback, and a histogram of it", func() bool {
		text, err := c.Metrics(ctx)
		if err != nil {
			t.Fatal(err)
		}
		there = series(string(text))
		return strings.Contains(there["hotreload_stage_duration_seconds_count"], `stage="pause"`) &&
			strings.Contains(there["hotreload_reloads_total"], `result="rolled-back"`) && there["hotreload_tick_lateness_seconds_sum"] != ""
	})
	if !strings.Contains(there["hotreload_faults_total"], `signal="SIGSEGV"`) {
		t.Errorf("no fault in %q", there["hotreload_faults_total"])
	}
	there["hotreload_libraries_pinned_total"] = `reason=""` // of which there need not be one

	var dashboard any
	if err := json.Unmarshal([]byte(Dashboard), &dashboard); err != nil {
		t.Fatal(err)
	}
	exprs := expressions(dashboard)
	if len(exprs) < 15 {
		t.Fatalf("found %d expressions", len(exprs))
	}
	for _, expr := range exprs {
		names := regexp.MustCompile(`\b(hotreload|process)_\w+`).FindAllString(expr, -1)
		if len(names) == 0 {
			t.Errorf("%s: asks for nothing", expr)
		}
		for _, name := range names {
			labels, ok := there[name]
			if !ok {
				t.Errorf("%s: there is no %s", expr, name)
			}
			for _, by := range regexp.MustCompile(`by \(([^)]*)\)`).FindAllStringSubmatch(expr, -1) {
				for _, label := range strings.Split(by[1], ", ") {
					if label != "instance" && !strings.Contains(labels, label+`="`) {
						t.Errorf("%s: %s has no label %s", expr, name, label)
					}
				}
			}
		}
	}
}

// series returns the names in a text of metrics, each with all labels that it has.
func series(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if name, rest, ok := strings.Cut(line, "{"); ok && line[0] != '#' {
			all[name] += rest
		} else if line[0] != '#' {
			name, _, _ := strings.Cut(line, " ")
			all[name] = " "
		}
	}
	return all
}

// expressions returns what is named expr anywhere in a JSON document.
func expressions(v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if text, ok := v[name].(string); ok && name == "expr" {
				all = append(all, text)
			}
			all = append(all, expressions(v[name])...)
		}
	case []any:
		for _, one := range v {
			all = append(all, expressions(one)...)
		}
	}
	return all
}
