package control

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotreload/engine"

	"golang.org/x/sync/errgroup"
)

// counterSource is a plugin that counts by a step.
const counterSource = `#include "logic.h"
typedef struct { long long count; } state_t;
static void init(void *p) { ((state_t *)p)->count = 0; }
#ifndef STEP
#define STEP (*(volatile int *)8) /* a fault */
#endif
static void tick(void *p, double dt) { (void)dt; ((state_t *)p)->count += STEP; }
static void shutdown(void *p) { (void)p; }
static const logic_field_t fields[] = { LOGIC_FIELD_SHOWN(state_t, count) };
static logic_api_t api = {
	.api_version = LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION, .state_size = sizeof(state_t),
	.init = init, .tick = tick, .shutdown = shutdown, .fields = fields, .field_count = 1,
};
LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
`

// stepping builds the plugin that counts by step, with 0 one that faults, and returns the library's path.
func stepping(t *testing.T, dir string, step int) string {
	t.Helper()
	source, define := filepath.Join(dir, "counter.c"), "-UNDEBUG"
	if step != 0 {
		define = fmt.Sprintf("-DSTEP=%d", step)
	}
	if err := os.WriteFile(source, []byte(counterSource), 0o600); err != nil {
		t.Fatal(err)
	}
	return compile(t, source, filepath.Join(dir, fmt.Sprintf("step%d.so", step)), define)
}

// flock builds the flock, each variant with other rules.
func flock(t *testing.T, dir string, variant int) string {
	t.Helper()
	source, err := filepath.Abs(filepath.Join("..", "..", "logic", "flock.c"))
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, source, filepath.Join(dir, fmt.Sprintf("flock%d.so", variant)), "-O2", fmt.Sprintf("-Dvariant=%d", variant),
		"-Wl,--build-id=0x"+strings.Repeat(fmt.Sprintf("%02x", variant), 8))
}

func compile(t *testing.T, source, library string, options ...string) string {
	t.Helper()
	if _, err := os.Stat(library); err == nil {
		return library // it may be watched
	}
	logic, err := filepath.Abs(filepath.Join("..", "..", "logic"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("cc", append([]string{"-shared", "-fPIC", "-I", logic, "-o", library, source}, options...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return library
}

// runCounter runs an engine with the counter that counts by step, and serves it on a socket.
func runCounter(t *testing.T, cfg engine.Config, step int) (s *Server, dir string) {
	t.Helper()
	_, s, dir = runPlugin(t, func(t *testing.T, dir string, _ int) string { return stepping(t, dir, step) }, cfg, Config{})
	return s, dir
}

// runPlugin runs an engine with variant 1 of a plugin, at 1 ms a tick, and serves it, until the test ends. Others can be
// built in dir.
func runPlugin(
	t *testing.T, build func(t *testing.T, dir string, variant int) string, cfg engine.Config, serving Config,
) (host *engine.Engine, s *Server, dir string) {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler")
	}
	dir = t.TempDir()
	cfg.Watch, cfg.Tick = []string{build(t, dir, 1)}, time.Millisecond
	if cfg.RunDir == "" {
		cfg.RunDir = dir
	}
	host, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s = serve(t, host, serving)
	ctx, cancel := context.WithCancel(context.Background())
	var run errgroup.Group
	run.Go(func() error { return host.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := run.Wait(); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "first generation", func() bool { return host.Status().Generation.Number != 0 })
	return host, s, dir
}

// A hundred ask at once while libraries are pushed: every request has its answer, every push its swap, and no tick is
// skipped or run twice. With HOTRELOAD_STRESS set there are 10,000 requests.
func TestRequestsDuringSwapsDisturbNoTick(t *testing.T) {
	const askers, shards = 100, 16
	requests, pushes := crowd(10, 100), crowd(6, 60)
	s, dir := runCounter(t, engine.Config{Shards: shards, Workers: 2, ProbationTicks: 1}, 1)
	c, ctx := clientOf(t, s), t.Context()
	var clients errgroup.Group
	for i := range askers {
		c := clientOf(t, s)
		clients.Go(func() error {
			for range requests {
				var err error
				switch i % 5 {
				case 0:
					_, err = c.Status(ctx)
				case 1:
					_, err = c.Events(ctx)
				case 2:
					_, err = c.Workers(ctx)
				case 3:
					_, err = c.Metrics(ctx)
				default:
					var st State
					if st, err = c.State(ctx, 0, shards); err == nil {
						err = even(st)
					}
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	for i := range pushes {
		v, err := c.Push(ctx, shipmentOf(t, stepping(t, dir, 1+(i+1)%3)))
		if err != nil || v.Result != ResultSwapped {
			t.Fatalf("push %d: %+v %v", i, v, err)
		}
	}
	if err := clients.Wait(); err != nil {
		t.Error(err)
	}
	account(t, c, func(generation int) int64 { return int64(1 + (generation-1)%3) })
	if all, err := c.Workers(ctx); err == nil {
		t.Logf("ticks were late by %.3g ms at most half of the time, %.3g ms at most 99 %% of it", 1e3*all.Late.P50, 1e3*all.Late.P99)
	}
}

// account checks that all shards have counted as far, and by what each generation counts by, step, at each of its ticks:
// none was skipped or run twice.
func account(t *testing.T, c *Client, step func(generation int) int64) {
	t.Helper()
	all, err := c.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st, err := c.State(t.Context(), 0, 4)
	if err != nil {
		t.Fatal(err)
	}
	if err := even(st); err != nil {
		t.Error(err)
	}
	want, generation, from := int64(0), 0, uint64(0)
	add := func(until uint64) {
		if generation > 0 {
			want += int64(until-from) * step(generation)
		}
		from = until
	}
	for _, ev := range all.Events {
		if ev.Kind == "running" || ev.Kind == "swapped" {
			add(ev.Generation.Activation)
			generation++
		}
	}
	add(st.Tick)
	if uint64(generation) != st.Generation {
		t.Errorf("%d generations, want %d", generation, st.Generation)
	}
	if got := fmt.Sprint(st.Shards[0].Fields[0].Value); got != fmt.Sprint(want) {
		t.Errorf("at tick %d the count is %s, want %d", st.Tick, got, want)
	}
}

// even tells whether all shards have counted equally far.
func even(st State) error {
	for _, shard := range st.Shards {
		if fmt.Sprint(shard.Fields) != fmt.Sprint(st.Shards[0].Fields) {
			return fmt.Errorf("at tick %d shard %d has %v, shard 0 %v", st.Tick, shard.Shard, shard.Fields, st.Shards[0].Fields)
		}
	}
	return nil
}

func shipmentOf(t *testing.T, path string) Shipment {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := shipment(string(content))
	s.Name = filepath.Base(path)
	return s
}

// Before the engine runs and after it has, clients are told so.
func TestEngineThatDoesNotRun(t *testing.T) {
	host, err := engine.New(engine.Config{Watch: []string{"engine_test.go"}, Build: "true"})
	if err != nil {
		t.Fatal(err)
	}
	c := clientOf(t, serve(t, host, Config{}))
	_, err = c.Reload(t.Context())
	wantProblem(t, err, "not-running")
	_, err = c.Rollback(t.Context(), 0)
	wantProblem(t, err, "not-running")
	_, err = c.State(t.Context(), 0, 1)
	wantProblem(t, err, "not-running")
	_, err = c.Push(t.Context(), shipment("library"))
	wantProblem(t, err, "not-running")
	if status, err := c.Status(t.Context()); err != nil || status.Running || status.Outcome.Result != ResultNone {
		t.Errorf("%+v %v", status, err)
	}
}
