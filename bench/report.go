package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hotreload/bench/call"
	"hotreload/bench/pause"
	"hotreload/bench/reload"
)

// Options says what to run.
type Options struct {
	Call   call.Options
	Reload reload.Options
	Pause  pause.Options
	// Progress, when set, is told what is being done.
	Progress func(what string)
}

// Report is everything that one run measured.
type Report struct {
	Machine Machine            `json:"machine"`
	Call    *call.Result       `json:"call"`
	Reload  *reload.Result     `json:"reload"`
	Pause   []pause.Result     `json:"pause"`
	Ratios  map[string]float64 `json:"ratios"` // what a baseline bounds, see Ratios
}

// Run runs the three benchmarks, one after the other.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	r := &Report{Machine: describe()}
	var err error
	o.Progress("call: what a tick costs")
	if r.Call, err = call.Measure(ctx, o.Call); err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	o.Progress("reload: how long a save takes")
	if r.Reload, err = reload.Measure(ctx, o.Reload); err != nil {
		return nil, fmt.Errorf("reload: %w", err)
	}
	o.Pause.Progress = func(done, all int) {
		o.Progress(fmt.Sprintf("pause: what a swap does to ticks, %d of %d", done+1, all))
	}
	if r.Pause, err = pause.Measure(ctx, o.Pause); err != nil {
		return nil, fmt.Errorf("pause: %w", err)
	}
	r.Machine.LoadAfter = load()
	r.Ratios = Ratios(r)
	return r, nil
}

// Write writes the report as JSON to the file at path, and makes its directory.
func (r *Report) Write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the directory of the report: %w", err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// Read reads a report that Write has written.
func Read(from io.Reader) (*Report, error) {
	var r Report
	if err := json.NewDecoder(from).Decode(&r); err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	return &r, nil
}
