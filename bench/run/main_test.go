package main

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
			if got := run(c.args, &out, &err); got != c.want {
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
	for bound, want := range map[string]int{"2": 0, "1": 1} {
		text := `{"bounds": {"x": {"ratio": ` + bound + `, "factor": 1.1}}}`
		if err := os.WriteFile(file("baseline.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, stderr bytes.Buffer
		got := run([]string{
			"-from", file("report.json"), "-baseline", file("baseline.json"), "-html", file("a/page.html"), "-svg", file("b/picture.svg"),
		}, &out, &stderr)
		if got != want {
			t.Errorf("a ratio of 2 with a baseline of %s: exit code %d, expected %d\n%s%s", bound, got, want, &out, &stderr)
		}
		for _, drawn := range []string{"a/page.html", "b/picture.svg"} {
			if info, err := os.Stat(file(drawn)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v, expected it to be drawn", drawn, err)
			}
		}
	}
}
