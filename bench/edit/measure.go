package edit

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotreload/bench/internal/stat"
)

//go:embed source
var sources embed.FS

// patience is how long an edit may take until it counts as lost.
const patience = 15 * time.Second

// apart is the time between two saves: cr.h tells libraries apart by the second in which they were written.
const apart = 1100 * time.Millisecond

// Options says what to measure. The zero value of a field means its default.
type Options struct {
	Edits int    // default 5
	CR    string // the directory of cr.h; empty: not measured
}

// Way is what one way made of the edits.
type Way struct {
	Name         string       `json:"name"`
	Milliseconds stat.Summary `json:"milliseconds"` // from the save until the new code ran
	Lost         int          `json:"lost"`         // edits whose code never ran
	State        string       `json:"state"`        // kept or lost
}

// Result is the outcome of one run.
type Result struct {
	Edits  int      `json:"edits"`
	Ways   []Way    `json:"ways"`
	Absent []string `json:"absent"` // ways whose programs are not installed
}

// running is a way under edits.
type running struct {
	way
	dir, told string
	stop      func() error
	samples   []float64
	lost      int
	restarted bool
}

// Measure edits one plugin under every way there is, in turn.
func Measure(ctx context.Context, o Options) (r *Result, err error) {
	if o.Edits == 0 {
		o.Edits = 5
	}
	dir, err := os.MkdirTemp("", "hotreload-edit-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the plugin: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	r = &Result{Edits: o.Edits}
	var all []*running
	defer func() {
		for _, w := range all {
			err = errors.Join(err, w.stop())
		}
	}()
	for i, w := range ways(o.CR) {
		run := &running{way: w, dir: filepath.Join(dir, fmt.Sprint(i)), told: filepath.Join(dir, fmt.Sprint(i, ".told"))}
		switch err := run.begin(ctx); {
		case errors.Is(err, errAbsent):
			r.Absent = append(r.Absent, w.name)
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		all = append(all, run)
		if _, err := run.await(ctx, 0, time.Now()); err != nil {
			return nil, err
		}
	}
	for i := range o.Edits + 1 { // one to warm up
		round := time.Now()
		for _, w := range all {
			if err := w.edit(ctx, i+1, i > 0); err != nil {
				return nil, err
			}
		}
		time.Sleep(time.Until(round.Add(apart)))
	}
	for _, w := range all {
		state := "kept"
		if w.restarted {
			state = "lost"
		}
		r.Ways = append(r.Ways, Way{w.name, stat.Of(w.samples), w.lost, state})
	}
	return r, nil
}

// begin lays out the way's directory and starts it.
func (w *running) begin(ctx context.Context) (err error) {
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return err
	}
	if err := w.save(0); err != nil {
		return err
	}
	for _, name := range []string{"host.c", "crhost.cpp"} {
		text, err := sources.ReadFile("source/" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(w.dir, name), text, 0o600)
		}
		if err != nil {
			return err
		}
	}
	if err := run(ctx, w.dir, "cc -O2 -o host host.c -ldl"); err != nil {
		return err
	}
	w.stop, err = w.start(ctx, w.dir)
	return err
}

// save writes the plugin as build n.
func (w *running) save(n int) error {
	text, err := sources.ReadFile("source/plugin.c")
	if err != nil {
		return err
	}
	for before, after := range map[string]string{
		"#define BUILD 0\n": fmt.Sprintf("#define BUILD %d\n", n), "#define TOLD  \"told\"\n": fmt.Sprintf("#define TOLD %q\n", w.told),
	} {
		text = bytes.Replace(text, []byte(before), []byte(after), 1)
	}
	return os.WriteFile(filepath.Join(w.dir, "plugin.c"), text, 0o600)
}

// edit saves the plugin as build n and waits until it has run.
func (w *running) edit(ctx context.Context, n int, counts bool) error {
	saved := time.Now()
	if err := w.save(n); err != nil {
		return err
	}
	ticks, err := w.await(ctx, n, saved)
	switch took := time.Since(saved); {
	case err != nil && ctx.Err() != nil:
		return err
	case !counts:
	case err != nil:
		w.lost++
	default:
		w.samples = append(w.samples, took.Seconds()*1e3)
	}
	if err == nil && ticks <= 1 {
		w.restarted = true
	}
	return nil
}

// await waits until build n has run, and returns how many ticks its state has seen.
func (w *running) await(ctx context.Context, n int, since time.Time) (ticks int, err error) {
	for time.Since(since) < patience && ctx.Err() == nil {
		text, err := os.ReadFile(w.told)
		if err != nil && !os.IsNotExist(err) {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			var build, process int
			if _, err := fmt.Sscan(line, &build, &process, &ticks); err == nil && build == n && (!w.own || process == os.Getpid()) {
				return ticks, nil
			}
		}
		time.Sleep(500 * time.Microsecond)
	}
	return 0, errors.Join(fmt.Errorf("%s: build %d has not run after %v", w.name, n, patience), ctx.Err())
}
