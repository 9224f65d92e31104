package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hotreload/bench/call"
	"hotreload/bench/edit"
	"hotreload/bench/pause"
	"hotreload/bench/reload"
	"hotreload/bench/wear"
)

// Options says what to run.
type Options struct {
	Call   call.Options
	Reload reload.Options
	Pause  pause.Options
	Wear   wear.Options
	Edit   edit.Options
	// Progress, when set, is told what is being done.
	Progress func(what string)
}

// Report is everything that one run measured.
type Report struct {
	Machine Machine            `json:"machine"`
	Call    *call.Result       `json:"call"`
	Reload  *reload.Result     `json:"reload"`
	Pause   []pause.Result     `json:"pause"`
	Wear    *wear.Result       `json:"wear"`
	Edit    *edit.Result       `json:"edit"`
	Ratios  map[string]float64 `json:"ratios"` // what a baseline bounds, see Ratios
}

// Run runs the benchmarks, one after the other.
func Run(ctx context.Context, o Options) (*Report, error) {
	o.defaults()
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
	o.Progress("edit: from an edit to its code, beside restarts")
	if r.Edit, err = edit.Measure(ctx, o.Edit); err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	o.Progress("wear: what swaps leave behind")
	if r.Wear, err = wear.Measure(ctx, o.Wear); err != nil {
		return nil, fmt.Errorf("wear: %w", err)
	}
	if r.Pause, err = o.pauses(ctx); err != nil {
		return nil, err
	}
	return r.conclude(), nil
}

// RunPause runs the benchmark of pauses alone.
func RunPause(ctx context.Context, o Options) (*Report, error) {
	o.defaults()
	r := &Report{Machine: describe()}
	var err error
	if r.Pause, err = o.pauses(ctx); err != nil {
		return nil, err
	}
	return r.conclude(), nil
}

func (o *Options) defaults() {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	o.Pause.Progress = func(done, all int) {
		o.Progress(fmt.Sprintf("pause: what a swap does to ticks, %d of %d", done+1, all))
	}
}

func (o *Options) pauses(ctx context.Context) ([]pause.Result, error) {
	results, err := pause.Measure(ctx, o.Pause)
	if err != nil {
		return nil, fmt.Errorf("pause: %w", err)
	}
	return results, nil
}

func (r *Report) conclude() *Report {
	r.Machine.LoadAfter = load()
	r.Ratios = Ratios(r)
	return r
}

// Write writes the report as JSON to the file at path, and makes its directory.
func (r *Report) Write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the directory of the report: %w", err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// Prune leaves out what takes much space and is drawn for one load only, and where things lay on this machine.
func (r *Report) Prune() {
	for i, arg := range r.Machine.Command {
		if filepath.IsAbs(arg) {
			r.Machine.Command[i] = filepath.Base(arg)
		}
	}
	for i := range r.Pause {
		if c := &r.Pause[i]; c.Workers != 2 || c.Rate != pause.UsualRate && c.Rate != pause.Control || c.Shards != 1000 {
			c.Timeline = nil
		}
	}
}

// Read reads a report that Write has written.
func Read(from io.Reader) (*Report, error) {
	var r Report
	if err := json.NewDecoder(from).Decode(&r); err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	return &r, nil
}
