package control

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/native"
	"hotreload/engine/trial"

	"golang.org/x/sys/unix"
)

// Shards whose code faulted with nothing to roll back to are counted until the next good library.
func TestQuarantinedShardsAreCounted(t *testing.T) {
	s, dir := runCounter(t, engine.Config{Shards: 3, Workers: 2, Trial: trial.Off}, 0)
	counted := func(want string) bool {
		text, err := clientOf(t, s).Metrics(t.Context())
		return err == nil && strings.Contains(string(text), "\nhotreload_quarantined_shards "+want+"\n")
	}
	eventually(t, "quarantine of all shards", func() bool { return counted("3") })
	if _, err := clientOf(t, s).Push(t.Context(), shipmentOf(t, stepping(t, dir, 1))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "end of the quarantine", func() bool { return counted("0") })
}

func TestMetricsAreThoseOfTheStatusAndTheEvents(t *testing.T) {
	h := newFakeHost()
	h.status.Swaps, h.status.Loaded, h.status.Quarantined = 3, 4, 2
	h.status.PinnedBy = map[string]uint64{"unique": 2, "poisoned": 1}
	late := engine.Histogram{UpTo: make([]uint64, len(engine.HistogramBounds)), Count: 3, Sum: 20 * time.Second}
	for i := range late.UpTo {
		late.UpTo[i] = min(uint64(i), 2)
	}
	h.measures = []engine.WorkerMeasures{{Worker: 5, Late: late, Took: late}}
	s := serve(t, h, Config{})
	fault := &engine.FaultError{Function: "tick", Fault: &native.Fault{Signal: unix.SIGSEGV}}
	h.send(engine.Event{Kind: engine.Swapped, Stages: engine.Stages{Build: 50 * time.Millisecond}})
	h.send(engine.Event{Kind: engine.Rejected, Err: &engine.StageError{Stage: engine.StageGuard, Err: errors.New("no")}})
	h.send(engine.Event{Kind: engine.Faulted, Err: fault})
	h.send(engine.Event{Kind: engine.Faulted, Err: &engine.FaultError{Fault: &native.Fault{Signal: native.CancelSignal}}})
	eventually(t, "records", func() bool { return s.ring.newest() == 4 })
	got, err := exchange(t, clientOf(t, s), "GET", "/metrics", nil)
	if err != nil || got.status != http.StatusOK {
		t.Fatal(got.status, err)
	}
	for _, want := range []string{
		"hotreload_running 1", "hotreload_ticks_total 7", "hotreload_shards 4", "hotreload_workers 2", "hotreload_swaps_total 3",
		"hotreload_generation 1", "hotreload_libraries_loaded_total 4", "hotreload_quarantined_shards 2",
		`hotreload_libraries_pinned_total{reason="poisoned"} 1`, `hotreload_libraries_pinned_total{reason="unique"} 2`,
		`hotreload_tick_lateness_seconds_bucket{worker="5",le="1e-06"} 0`, `hotreload_tick_lateness_seconds_bucket{worker="5",le="5e-06"} 2`,
		`hotreload_tick_lateness_seconds_bucket{worker="5",le="10"} 2`, `hotreload_tick_lateness_seconds_bucket{worker="5",le="+Inf"} 3`,
		`hotreload_tick_duration_seconds_sum{worker="5"} 20`, "hotreload_events_missed_total 0",
		"hotreload_last_reload_exit_code 0",
		`hotreload_generation_info{api_revision="0",api_version="1",generation="1",hash="` + h.status.Generation.Hash + `",library="logic.so"} 1`,
		`hotreload_reloads_total{result="swapped",stage=""} 1`, `hotreload_reloads_total{result="rejected",stage="guard"} 1`,
		`hotreload_reloads_total{result="faulted",stage=""} 2`,
		`hotreload_stage_duration_seconds_count{stage="build"} 1`, `hotreload_stage_duration_seconds_sum{stage="build"} 0.05`,
		`hotreload_faults_total{signal="SIGSEGV"} 1`, `hotreload_faults_total{signal="cancelled"} 1`,
		`hotreload_events_total{kind="swapped"} 1`,
	} {
		if !strings.Contains("\n"+string(got.body), "\n"+want+"\n") {
			t.Errorf("no %q", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", got.body)
	}
}
