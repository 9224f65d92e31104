package command

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hotreload/bench"
	"hotreload/bench/internal/stat"
	"hotreload/bench/internal/strategy"
	"hotreload/bench/pause"
)

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want int
	}{
		{"help", []string{"-h"}, 0},
		{"unknown flag", []string{"-nonsense"}, 2},
		{"argument", []string{"nonsense"}, 2},
		{"no baseline", []string{"-baseline", "/nonexistent"}, 1},
		{"no report", []string{"-baseline", "", "-from", "/nonexistent"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, err bytes.Buffer
			if got := Run(c.args, nil, &out, &err); got != c.want {
				t.Errorf("exit code %d, expected %d\n%s%s", got, c.want, &out, &err)
			}
		})
	}
}

func TestAReportIsDrawnAndChecked(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	r := &bench.Report{Ratios: map[string]float64{"x": 2}}
	for _, rate := range []float64{pause.Control, pause.UsualRate, pause.UsualRate} {
		r.Pause = append(r.Pause, pause.Result{
			Cell:    pause.Cell{Strategy: strategy.Aligned, Workers: 2, Shards: 2, Period: time.Millisecond, Rate: rate},
			Windows: []float64{1}, Worst: stat.Of([]float64{1}),
		})
	}
	if err := r.Write(file("report.json")); err != nil {
		t.Fatal(err)
	}
	document := "before\n<!-- tables: begin, made by make bench-report -->\nold\n<!-- tables: end -->\nafter\n"
	for bound, want := range map[string]int{"2": 0, "1": 1} {
		if err := os.WriteFile(file("results.md"), []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		text := `{"bounds": {"x": {"ratio": ` + bound + `, "factor": 1.1}}}`
		if err := os.WriteFile(file("baseline.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, stderr bytes.Buffer
		got := Run([]string{
			"-from", file("report.json"), "-baseline", file("baseline.json"), "-html", file("a/page.html"), "-svg", file("b/picture.svg"),
			"-results", file("results.md"), "-keep", file("kept.json"),
		}, nil, &out, &stderr)
		if got != want {
			t.Errorf("a ratio of 2 with a baseline of %s: exit code %d, expected %d\n%s%s", bound, got, want, &out, &stderr)
		}
		made, err := os.ReadFile(file("results.md"))
		if err != nil || !bytes.HasPrefix(made, []byte("before\n<!--")) || !bytes.HasSuffix(made, []byte("-->\nafter\n")) ||
			bytes.Contains(made, []byte("old")) || !bytes.Contains(made, []byte("2 workers, 2 shards")) {
			t.Errorf("%v, expected the tables in place of the old ones:\n%s", err, made)
		}
		for _, drawn := range []string{"a/page.html", "b/picture.svg", "kept.json"} {
			if info, err := os.Stat(file(drawn)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v, expected it to be drawn", drawn, err)
			}
		}
	}
}

func TestTheBaselineIsUpdatedForWhatItBounds(t *testing.T) {
	dir := t.TempDir()
	baseline, made := filepath.Join(dir, "baseline.json"), filepath.Join(dir, "report.json")
	r := &bench.Report{Ratios: map[string]float64{"x": 3, "y": 4}}
	for _, rate := range []float64{pause.Control, pause.UsualRate, pause.UsualRate} {
		r.Pause = append(r.Pause, pause.Result{
			Cell:    pause.Cell{Strategy: strategy.Aligned, Workers: 2, Shards: 2, Period: time.Millisecond, Rate: rate},
			Windows: []float64{1}, Worst: stat.Of([]float64{1}),
		})
	}
	if err := r.Write(made); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(baseline, []byte(`{"bounds": {"x": {"ratio": 1, "factor": 1.5}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-from", made, "-baseline", baseline, "-html", filepath.Join(dir, "p"), "-svg", filepath.Join(dir, "s")}
	var out, stderr bytes.Buffer
	if code := Run(append(args, "-update-baseline"), nil, &out, &stderr); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &stderr)
	}
	if code := Run(args, nil, &out, &stderr); code != 0 {
		t.Errorf("exit code %d with a baseline of the same report\n%s%s", code, &out, &stderr)
	}
}
