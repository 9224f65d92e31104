package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"hotreload/engine/abi"
	"hotreload/engine/native"
	"hotreload/engine/state"
	"hotreload/epoch"
	"hotreload/workers"

	"golang.org/x/sync/errgroup"
)

// stressSource is a plugin whose tick writes down which library it is in: the number is patched into the built bytes.
const stressSource = `
#include "logic.h"
static const volatile struct { char mark[16]; uint64_t number; } id = { "@the number is@", 0 };
typedef struct { uint64_t ticks, number, sum; } state_t;
static void init(void *p) { *(state_t *)p = (state_t){0}; }
static void tick(void *p, double dt)
{
    state_t *s = p;
    (void)dt;
    s->ticks++;
    s->number = id.number;
    s->sum = s->sum * 0x9e3779b97f4a7c15u + id.number;
}
static void shutdown(void *p) { (void)p; }
static logic_api_t api = {
    .api_version = LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION, .state_size = sizeof(state_t),
    .init = init, .tick = tick, .shutdown = shutdown,
};
LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
`

// stressState is state_t of stressSource.
type stressState struct{ ticks, number, sum uint64 }

// stressCode is one open library.
type stressCode struct {
	number  uint64
	path    string
	library *native.Library
	tick    uintptr
}

// stressRun is one pool with real libraries.
type stressRun struct {
	dir      string
	template library
	arena    *state.Arena
	pool     *workers.Pool[*stressCode]
	changes  []uint64 // by shard: a hash of the ticks at which its code changed, and to what
	met      []uint64 // by shard: changes
	group    errgroup.Group
	retired  chan retiredCode

	ticks, swaps, resizes, reclaimed, mapped, most atomic.Int64

	mu     sync.Mutex
	faults []string
}

// retiredCode is a library on its way out.
type retiredCode struct {
	code  *stressCode
	grace *epoch.Grace[workers.Directive[*stressCode]]
}

func (r *stressRun) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.faults) < 10 {
		r.faults = append(r.faults, fmt.Sprintf(format, args...))
	}
}

// TestStress swaps libraries, each with other bytes, as fast as they can be written, loaded and closed, under eight
// workers whose number changes, and checks at every tick of every shard that the library that ran is the one that was
// active. HOTRELOAD_STRESS sets how long it takes.
func TestStress(t *testing.T) {
	d := 2 * time.Second
	if s := os.Getenv("HOTRELOAD_STRESS"); s != "" {
		var err error
		if d, err = time.ParseDuration(s); err != nil {
			t.Fatalf("HOTRELOAD_STRESS: %v", err)
		}
	}
	source := filepath.Join(t.TempDir(), "stress.c")
	if err := os.WriteFile(source, []byte(stressSource), 0o600); err != nil {
		t.Fatal(err)
	}
	template := compile(t, source)
	if err := native.Contain(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		t.Run(mode.String(), func(t *testing.T) {
			r := &stressRun{dir: t.TempDir(), template: template, retired: make(chan retiredCode, 64)}
			r.run(t, mode, d/10) // what a first run leaves behind for good is no leak
			before := footprintNow(t)
			r = &stressRun{dir: t.TempDir(), template: template, retired: make(chan retiredCode, 64)}
			r.run(t, mode, d*4/10)
			after := footprintNow(t)
			t.Logf("%d swaps, %d reclaimed, at most %d libraries open, %d resizes, %d ticks of a worker's shards; before %v, after %v",
				r.swaps.Load(), r.reclaimed.Load(), r.most.Load(), r.resizes.Load(), r.ticks.Load(), before, after)
			if after.files > before.files {
				t.Errorf("%d files are open, before it were %d", after.files, before.files)
			}
			if grown := after.resident - before.resident; grown > 64<<20 {
				t.Errorf("%d MiB of memory are left", grown>>20)
			}
		})
	}
}

const stressShards = 64

func (r *stressRun) run(t *testing.T, mode epoch.Mode, d time.Duration) {
	arena, err := state.NewArena(uint64(unsafe.Sizeof(stressState{})), stressShards)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = arena.Close() }()
	r.arena, r.changes, r.met = arena, make([]uint64, stressShards), make([]uint64, stressShards)
	first, err := r.open(1)
	if err != nil {
		t.Fatal(err)
	}
	r.pool = workers.New(workers.Config{Workers: 8, Shards: stressShards, Mode: mode},
		workers.Directive[*stressCode]{Code: first},
		func(workers.Span) workers.Hand[*stressCode] { return &stressHand{r, native.NewThread()} })
	r.group.Go(r.pool.Run)
	r.group.Go(r.reclaim)

	last, err := r.swap(first, time.Now().Add(d))
	if err != nil {
		t.Error(err)
	}
	close(r.retired)
	r.pool.Publish(workers.Directive[*stressCode]{Code: last, Stop: true})
	if err := r.group.Wait(); err != nil {
		t.Error(err)
	}
	if err := r.close(last); err != nil {
		t.Error(err)
	}
	for i := range stressShards {
		if r.met[i] != uint64(r.swaps.Load()) {
			r.fault("shard %d met %d changes, expected %d", i, r.met[i], r.swaps.Load())
		}
		if mode == epoch.Aligned && (r.changes[i] != r.changes[0] || *r.shard(i) != *r.shard(0)) {
			r.fault("shard %d changed its code at other ticks than shard 0, or to other code: %+v, %+v", i, *r.shard(i), *r.shard(0))
		}
	}
	for _, f := range r.faults {
		t.Error(f)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, r.dir) {
			t.Errorf("still mapped: %s", line)
		}
	}
}

// swap publishes library after library until end, and changes the number of workers now and then.
func (r *stressRun) swap(running *stressCode, end time.Time) (last *stressCode, err error) {
	for number := running.number + 1; time.Now().Before(end); number++ {
		next, err := r.open(number)
		if err != nil {
			return running, err
		}
		old, g := r.pool.Replace(workers.Directive[*stressCode]{Code: next, Renew: number%64 == 0})
		if old.Value.Code != running || g.Value.Code != next {
			return next, fmt.Errorf("library %d replaced library %d, expected %d", number, old.Value.Code.number, running.number)
		}
		r.swaps.Add(1)
		r.retired <- retiredCode{running, r.pool.Retire(old, number%3)}
		running = next
		if number%16 == 0 {
			if err := r.pool.Resize(1 + int(number/16*5%8)); err != nil {
				return running, err
			}
			r.resizes.Add(1)
		}
	}
	return running, nil
}

// reclaim closes libraries at the end of their grace periods.
func (r *stressRun) reclaim() (failure error) {
	for old := range r.retired {
		if err := old.grace.Wait(context.Background()); err != nil {
			return err
		}
		if err := r.close(old.code); err != nil && failure == nil {
			failure = err
		}
	}
	return failure
}

// open builds, so to speak, and loads a library.
func (r *stressRun) open(number uint64) (*stressCode, error) {
	c := &stressCode{number: number, path: filepath.Join(r.dir, fmt.Sprintf("%d.so", number))}
	content := bytes.Clone(r.template)
	at := bytes.Index(content, []byte("@the number is@\x00"))
	binary.NativeEndian.PutUint64(content[at+16:], number)
	if err := os.WriteFile(c.path, content, 0o600); err != nil {
		return nil, err
	}
	var err error
	if c.library, err = native.Open(c.path); err != nil {
		return nil, err
	}
	r.most.Store(max(r.most.Load(), r.mapped.Add(1))) // one goroutine opens
	get, err := c.library.Symbol("logic_get_api")
	if err != nil {
		return nil, err
	}
	thread := native.NewThread()
	defer thread.Release()
	address, fault := thread.Get(c.library, get)
	if fault != nil {
		return nil, fault
	}
	api, err := abi.Read(c.library.Image(), address)
	c.tick = api.Tick
	return c, err
}

func (r *stressRun) close(c *stressCode) error {
	pinned, err := c.library.Close()
	if err == nil && pinned {
		err = fmt.Errorf("library %d stays mapped", c.number)
	}
	if err != nil {
		return err
	}
	r.mapped.Add(-1)
	r.reclaimed.Add(1)
	return os.Remove(c.path)
}

func (r *stressRun) shard(i int) *stressState {
	return (*stressState)(unsafe.Pointer(unsafe.SliceData(r.arena.Shard(i))))
}

// stressHand runs libraries and checks what they did.
type stressHand struct {
	run    *stressRun
	thread *native.Thread
}

func (h *stressHand) Tick(c *stressCode, s workers.Span, tick uint64) {
	r := h.run
	base := r.arena.Base() + uintptr(s.First)*r.arena.Stride()
	if fault := h.thread.Tick(c.library, c.tick, base, r.arena.Stride(), s.Count, 0.1); fault != nil {
		r.fault("library %d, tick %d: %v", c.number, tick, fault)
	}
	for i := s.First; i < s.First+s.Count; i++ {
		if got := r.shard(i); got.ticks != tick+1 || got.number != c.number {
			r.fault("shard %d, tick %d: %d ticks, the last in library %d, expected library %d", i, tick, got.ticks, got.number, c.number)
		}
	}
	r.ticks.Add(1)
}

func (h *stressHand) Switch(from, to *stressCode, s workers.Span, tick uint64) {
	for i := s.First; i < s.First+s.Count; i++ {
		if to.number != from.number+1 {
			h.run.fault("shard %d went from library %d to %d", i, from.number, to.number)
		}
		h.run.met[i]++
		h.run.changes[i] = (h.run.changes[i]*0x9e3779b97f4a7c15+tick)*0x9e3779b97f4a7c15 + to.number
	}
}

func (h *stressHand) Close() { h.thread.Close() }

// footprint is what a process holds.
type footprint struct {
	files    int
	resident int64 // bytes
}

func (f footprint) String() string { return fmt.Sprintf("%d files, %d MiB", f.files, f.resident>>20) }

func footprintNow(t *testing.T) footprint {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(statm))
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return footprint{len(files), pages * int64(os.Getpagesize())}
}
