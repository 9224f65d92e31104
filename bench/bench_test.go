package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotreload/bench/call"
	"hotreload/bench/edit"
	"hotreload/bench/internal/stat"
	"hotreload/bench/internal/strategy"
	"hotreload/bench/pause"
	"hotreload/bench/reload"
	"hotreload/bench/wear"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quick() Options {
	return Options{
		Call:   call.Options{Rounds: 1, Turn: 50 * time.Microsecond},
		Reload: reload.Options{Swaps: 2},
		Wear:   wear.Options{Swaps: 20},
		Edit:   edit.Options{Edits: 1},
		Pause: pause.Options{Rounds: 1, Duration: 100 * time.Millisecond, Cells: []pause.Cell{
			{Strategy: strategy.Aligned, Workers: 1, Shards: 4, Period: time.Millisecond, Rate: pause.Control},
			{Strategy: strategy.Aligned, Workers: 1, Shards: 4, Period: time.Millisecond, Rate: pause.UsualRate},
		}},
	}
}

func TestReportSurvivesItsFileAndMakesATable(t *testing.T) {
	r, err := Run(t.Context(), quick())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "out", "report.json")
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	again, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, again); d != "" {
		t.Errorf("written and read again (-want +got)\n%s", d)
	}
	var table bytes.Buffer
	if err := r.Table(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"RegisterFunc", "save to swap", "1 worker, 4 shards, every 1ms", "(no swap)", "aligned"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in the table:\n%s", want, &table)
		}
	}
	for _, want := range []string{
		"call: engine(256) / C loop(256)", "reload: save to swap / longer of build and debounce",
		"pause: aligned / no swap, 1 worker, 4 shards, every 1ms",
	} {
		if r.Ratios[want] <= 0 {
			t.Errorf("no ratio %q in %v", want, r.Ratios)
		}
	}
}

func TestCheckFindsWhatIsBeyondItsBound(t *testing.T) {
	b := Baseline{Bounds: map[string]Bound{
		"same": {2, 1.5}, "at the bound": {2, 1.5}, "worse": {2, 1.5}, "better": {2, 1.5}, "absent": {2, 1.5},
	}}
	r := &Report{Ratios: map[string]float64{"same": 2, "at the bound": 3, "worse": 3.01, "better": 1, "unbounded": 99}}
	regressions, missing := b.Check(r)
	if d := cmp.Diff([]Regression{{"worse", 3.01, Bound{2, 1.5}}}, regressions); d != "" {
		t.Errorf("regressions (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"absent"}, missing); d != "" {
		t.Errorf("missing (-want +got)\n%s", d)
	}
}

func TestReadBaselineRefuses(t *testing.T) {
	for _, text := range []string{
		``, `{`, `{"times": {}}`, `{"bounds": {"x": {"ratio": 0, "factor": 2}}}`, `{"bounds": {"x": {"ratio": 1, "factor": 0.5}}}`,
	} {
		if b, err := ReadBaseline(strings.NewReader(text)); err == nil {
			t.Errorf("%q: got %+v, expected an error", text, b)
		}
	}
}

// What the committed baseline bounds must be measured by the usual run.
func TestBaselineNamesRatiosThatExist(t *testing.T) {
	file, err := os.Open("baseline.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	b, err := ReadBaseline(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{Reload: &reload.Result{Total: stat.Summary{Median: 1}}}
	for _, c := range pause.Plan() {
		r.Pause = append(r.Pause, pause.Result{Cell: c, Worst: stat.Summary{P25: 1}, Publish: stat.Summary{Median: 1}})
	}
	r.Call = &call.Result{Ratios: call.Comparisons()}
	r.Ratios = Ratios(r)
	if _, missing := b.Check(r); len(missing) > 0 {
		t.Errorf("bounds on what is not measured: %q", missing)
	}
}
