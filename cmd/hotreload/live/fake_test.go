package live

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"hotreload/engine/control"
)

// fakeSource is a host that notes what it is asked for.
type fakeSource struct {
	status  control.Status
	workers control.Workers
	err     error // of everything
	asked   []string
}

func (f *fakeSource) note(format string, args ...any) {
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
}

func (f *fakeSource) Status(context.Context) (control.Status, error) { return f.status, f.err }

func (f *fakeSource) Workers(context.Context) (control.Workers, error) { return f.workers, f.err }

func (f *fakeSource) State(_ context.Context, first, count int) (control.State, error) {
	f.note("state %d %d", first, count)
	return control.State{
		Generation: 3, Tick: 12345, Size: 40, Source: "field table",
		Shards: []control.Shard{{Shard: first, Fields: control.Fields{
			{Name: "score", Value: json.Number("3432")}, {Name: "time", Value: json.Number("34.320000000000001")},
			{Name: "noise", Value: json.Number("12079504754860548655")}, {Name: "name", Value: "boid\x1b[31m"},
			{Name: "position", Value: []any{json.Number("1.23456789"), json.Number("-2")}},
			{Name: "a_field_with_quite_a_long_name", Value: true},
		}}},
	}, f.err
}

func (f *fakeSource) Follow(ctx context.Context, _ func(control.Event) error, _ func(control.Gap) error) error {
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeSource) Reload(context.Context) (control.Verdict, error) {
	f.note("reload")
	return control.Verdict{Outcome: control.Outcome{Result: control.ResultUnchanged}, Generation: f.status.Generation}, f.err
}

func (f *fakeSource) Rollback(_ context.Context, generation uint64) (control.Verdict, error) {
	f.note("rollback %d", generation)
	return control.Verdict{Outcome: control.Outcome{Result: control.ResultRolledBack}, Generation: f.status.Generation}, f.err
}

func (f *fakeSource) Pause(context.Context) (control.Status, error) {
	f.note("pause")
	f.status.Paused = true
	return f.status, f.err
}

func (f *fakeSource) Resume(context.Context) (control.Status, error) {
	f.note("resume")
	f.status.Paused = false
	return f.status, f.err
}

func (f *fakeSource) Close() {}

func newFake() *fakeSource {
	f := &fakeSource{status: control.Status{
		Running: true, PID: 4711, Uptime: 192, Ticks: 12345, Shards: 64, Workers: 8, Swaps: 2, Rejections: 1, Faults: 0,
		Loaded: 3, Reclaimed: 2, Watch: "inotify", Outcome: control.Outcome{Result: control.ResultSwapped},
		Generation: &control.Generation{
			Number: 3, Epoch: 3, Activation: 12000, Hash: strings.Repeat("a1b2c3d4", 8), Library: "flock.so", APIVersion: 1,
		},
	}}
	f.workers.Late = control.Distribution{Count: 1000, P99: 85e-6, Max: 850e-6, Octaves: []uint64{900, 0, 0, 0, 0, 0, 0, 100}}
	for i := range 8 {
		f.workers.Workers = append(f.workers.Workers, control.Worker{
			Worker: i, FirstShard: 8 * i, Shards: 8, Tick: 12345 + uint64(i%2), Generation: 3,
			Late: control.Distribution{Count: 1000, P99: 85e-6 + 1e-6*float64(i), Max: 850e-6},
		})
	}
	return f
}
