package trial

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"hotreload/engine/abi"

	"golang.org/x/sys/unix"
)

// liveScores is a running state of the sample's layout with the given scores.
func liveScores(t testing.TB, scores ...uint32) *Live {
	t.Helper()
	live := &Live{
		File: memory(t, 4096), StateSize: 16, Stride: 64, Shards: len(scores), Addresses: Absent,
		Fields: []abi.Field{{Name: "score", Type: 5, Count: 1}, {Name: "time", Type: 10, Offset: 8, Count: 1, Flags: 1}},
	}
	for i, score := range scores {
		if _, err := live.File.WriteAt(binary.LittleEndian.AppendUint32(nil, score), int64(i)*64); err != nil {
			t.Fatal(err)
		}
	}
	return live
}

// memory makes a file like an arena's.
func memory(t testing.TB, length int64) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "test")
	t.Cleanup(func() { _ = file.Close() })
	if err := file.Truncate(length); err != nil {
		t.Fatal(err)
	}
	return file
}

func content(t testing.TB, file *os.File) []byte {
	t.Helper()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, info.Size())
	if _, err := file.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// at crashes in the tick of a shard whose score is AT, and prints nothing.
const at = `#include "counter.h"
static void tick(void *p, double dt) { if (((state_t *)p)->score == AT) write_null(); count(p, dt); }
PLUGIN(init, tick, shutdown)
`

func TestLiveShardsAreTriedAndStayAsTheyAre(t *testing.T) {
	r := newRunner(t, Config{})
	live := liveScores(t, 10, 20, 30, 40)
	before := content(t, live.File)

	report, err := r.Try(t.Context(), Candidate{Path: plugin(t, at, "-DAT=99"), DT: 0.1, Live: live})
	if err != nil || report.Shards != 4 || report.Ticks != 3 || report.Fresh || report.Warnings != nil {
		t.Errorf("%+v, %v: want 3 ticks of 4 copies", report, err)
	}
	_, err = r.Try(t.Context(), Candidate{Path: plugin(t, at, "-DAT=42"), DT: 0.1, Live: live})
	var v *Verdict
	if !errors.As(err, &v) || v.Stage != StageTick || !strings.Contains(v.Cause, "SIGSEGV") {
		t.Errorf("a crash in the third tick of the last shard: got %v", err)
	}
	if !bytes.Equal(content(t, live.File), before) {
		t.Error("the live state has changed")
	}
}

func TestSnapshotComesBeforeLiveMemory(t *testing.T) {
	r := newRunner(t, Config{})
	live := liveScores(t, 42)
	shard := make([]byte, 16)
	shard[0] = 7
	live.Snapshot = [][]byte{shard, shard}
	report, err := r.Try(t.Context(), Candidate{Path: plugin(t, at, "-DAT=42"), DT: 0.1, Live: live})
	if err != nil || report.Shards != 2 {
		t.Errorf("%+v, %v: want 2 shards of the snapshot", report, err)
	}
	if _, err = r.Try(t.Context(), Candidate{Path: plugin(t, at, "-DAT=8"), DT: 0.1, Live: live}); err == nil {
		t.Error("a crash in the second tick of the snapshot was not seen")
	}
	live.Snapshot = [][]byte{shard, shard[:8]}
	_, err = r.Try(t.Context(), Candidate{Path: "/x.so", Live: live})
	if u := (*UnavailableError)(nil); !errors.As(err, &u) {
		t.Errorf("a snapshot with a short shard: got %v, want an UnavailableError", err)
	}
}

func TestManyShardsAreSpread(t *testing.T) {
	q := request{size: 16}
	q.spread(0, 160, 64)
	for i, offset := range q.copies {
		if offset != uint64(i)*640 {
			t.Fatalf("offsets %v: want every tenth shard", q.copies)
		}
	}
	if len(q.copies) != maxShards {
		t.Errorf("%d shards, want %d", len(q.copies), maxShards)
	}
}

func TestAfterReloadIsCalledOnCopies(t *testing.T) {
	_, err := newRunner(t, Config{}).Try(t.Context(), Candidate{Path: hostile(t, "after_reload_crash.c"), DT: 0.1, Live: liveScores(t, 1)})
	var v *Verdict
	if !errors.As(err, &v) || v.Stage != StageAfterReload {
		t.Errorf("got %v", err)
	}
}

// big has a state of 2 MiB, which is mapped and not copied.
const big = `#include "logic.h"
typedef struct { int value; char rest[(2 << 20) - 4 - SHORT]; } state_t;
static void init(void *p) { (void)p; }
static void tick(void *p, double dt) {
    state_t *s = p;
    (void)dt;
    if (s->value != 42 && s->value != 43) *(volatile int *)8 = 1;
    s->value = 43;
    ((volatile char *)(s + 1))[BEYOND] = 1;
}
static logic_api_t api = { .api_version = 1, .state_size = sizeof(state_t), .init = init, .tick = tick, .shutdown = init };
logic_api_t *logic_get_api(void) { return &api; }
`

func TestLargeStatesAreMapped(t *testing.T) {
	r := newRunner(t, Config{})
	for _, c := range []struct {
		name          string
		short, beyond string
		size          uint64
		want          string
	}{
		{"within", "0", "-1", 2 << 20, ""},
		{"past whole pages", "0", "0", 2 << 20, "wrote past the end of its state: at offset 2097152 of 2097152 bytes"},
		{"past a part of a page", "100", "0", 2<<20 - 100, "wrote past the end of its state: at offset 2097052 of 2097052 bytes"},
		{"before", "0", "-2097153", 2 << 20, "wrote before the beginning of its state, at offset -1"},
		{"far away", "0", "4096", 2 << 20, "SIGSEGV"},
	} {
		t.Run(c.name, func(t *testing.T) {
			live := &Live{File: memory(t, 4<<20), StateSize: c.size, Stride: 2 << 20, Shards: 2, Addresses: Absent}
			if _, err := live.File.WriteAt([]byte{42}, 0); err != nil {
				t.Fatal(err)
			}
			before := content(t, live.File)
			lib := plugin(t, big, "-DSHORT="+c.short, "-DBEYOND="+c.beyond)
			report, err := r.Try(t.Context(), Candidate{Path: lib, Live: live})
			if c.want == "" && (err != nil || report.Shards != 1 || report.Ticks != 3) {
				t.Errorf("%+v, %v: want 3 ticks of 1 shard", report, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if !bytes.Equal(content(t, live.File), before) {
				t.Error("the live state has changed")
			}
		})
	}
}

// address follows an address in its state, which init sets.
const address = `#include "logic.h"
#include <stdlib.h>
typedef struct { int *at; } state_t;
static void init(void *p) { ((state_t *)p)->at = BAD ? (int *)8 : calloc(1, sizeof(int)); }
static void tick(void *p, double dt) { (void)dt; ++*((state_t *)p)->at; }
static void end(void *p) { free(((state_t *)p)->at); }
static logic_api_t api = { .api_version = 1, .state_size = sizeof(state_t), .init = init, .tick = tick, .shutdown = end };
logic_api_t *logic_get_api(void) { return &api; }
`

func TestAddressesInTheState(t *testing.T) {
	r := newRunner(t, Config{})
	live := func(a Addresses) *Live {
		l := &Live{File: memory(t, 4096), StateSize: 8, Stride: 64, Shards: 1, Addresses: a}
		if _, err := l.File.WriteAt(binary.LittleEndian.AppendUint64(nil, 0x100000000), 0); err != nil {
			t.Fatal(err)
		}
		return l
	}
	good, bad := plugin(t, address, "-DBAD=0"), plugin(t, address, "-DBAD=1")

	report, err := r.Try(t.Context(), Candidate{Path: bad, Live: live(Present)})
	if err != nil || report.Ticks != 0 || report.Shards != 0 {
		t.Errorf("known addresses: %+v, %v, want a trial that stops after the guard", report, err)
	}
	report, err = r.Try(t.Context(), Candidate{Path: good, Live: live(Unknown)})
	if err != nil || !report.Fresh || len(report.Warnings) != 1 || report.Warnings[0].Code != WarnAddresses {
		t.Errorf("possible addresses: %+v, %v, want fresh shards to decide, with a warning", report, err)
	}
	var v *Verdict
	if _, err = r.Try(t.Context(), Candidate{Path: bad, Live: live(Unknown)}); !errors.As(err, &v) || v.Stage != StageTick {
		t.Errorf("possible addresses and a fault on fresh shards: %v, want a verdict", err)
	}
	if _, err = r.Try(t.Context(), Candidate{Path: good, Live: live(Absent)}); !errors.As(err, &v) || v.Stage != StageTick {
		t.Errorf("no addresses: %v, want a verdict", err)
	}
}

func TestStateOfAnotherSizeIsNotUsed(t *testing.T) {
	live := liveScores(t, 1)
	live.StateSize = 24
	report, err := newRunner(t, Config{}).Try(t.Context(), Candidate{Path: plugin(t, at, "-DAT=99"), Live: live})
	if err != nil || !report.Fresh {
		t.Errorf("%+v, %v: want fresh shards", report, err)
	}
}

func TestStateOfAnotherMeaningIsNotUsed(t *testing.T) {
	r := newRunner(t, Config{})
	lib := plugin(t, at, "-DAT=42")
	for name, change := range map[string]func(*Live){
		"no table":   func(l *Live) { l.Fields = nil },
		"other name": func(l *Live) { l.Fields[0].Name = "points" },
		"swapped":    func(l *Live) { l.Fields[0].Offset, l.Fields[1].Offset = 8, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			live := liveScores(t, 42)
			change(live)
			if report, err := r.Try(t.Context(), Candidate{Path: lib, Live: live}); err != nil || !report.Fresh {
				t.Errorf("%+v, %v: want fresh shards", report, err)
			}
		})
	}
	if _, err := r.Try(t.Context(), Candidate{Path: lib, Live: liveScores(t, 42)}); err == nil {
		t.Error("with the same table the copy was not used")
	}
}

// batch adds to n states by itself: BATCH is the distance that it takes.
const batch = `#include "counter.h"
static void many(void *base, size_t stride, size_t n, double dt)
{
    (void)stride;
    for (size_t i = 0; i < n; i++)
        count((char *)base + i * BATCH, dt);
}
PLUGIN(init, count, shutdown, .tick_batch = many,)
`

func TestBatchesMustKeepTheirStride(t *testing.T) {
	r := newRunner(t, Config{})
	if _, err := r.Try(t.Context(), Candidate{Path: plugin(t, batch, "-DBATCH=stride"), Live: liveScores(t, 1, 2)}); err != nil {
		t.Error(err)
	}
	_, err := r.Try(t.Context(), Candidate{Path: plugin(t, batch, "-DBATCH=64"), Live: liveScores(t, 1, 2)})
	var v *Verdict
	if !errors.As(err, &v) || v.Stage != StageTickBatch || !strings.Contains(v.Hint, "stride") {
		t.Errorf("got %v", err)
	}
}

func TestSeedsAndTicksArriveAsAsked(t *testing.T) {
	const text = `#include "counter.h"
static void seed(void *p, uint64_t n) { ((state_t *)p)->score = (int32_t)n; }
static void tick(void *p, double dt) { if (dt != 0.25) write_null(); count(p, dt); }
static void end(void *p) { int s = ((state_t *)p)->score; if (s != 105 && s != 106) write_null(); }
PLUGIN(init, tick, end, .seed = seed,)
`
	r := newRunner(t, Config{Ticks: 5})
	report, err := r.Try(t.Context(), Candidate{
		Path: plugin(t, text), DT: 0.25, Shards: 2, Seed: func(shard int) uint64 { return 100 + uint64(shard) },
	})
	if err != nil || report.Shards != 2 || report.Ticks != 5 {
		t.Errorf("%+v, %v: want 5 ticks of 2 shards", report, err)
	}
}

// wider has a state of its own, which it fills from that of liveScores; ON names the score on which something goes wrong.
const wider = `#include <stdlib.h>
#include "logic.h"
typedef struct { int64_t ready, score; double time[2]; } state_t;
static void init(void *p) { ((state_t *)p)->ready = 1; }
static void tick(void *p, double dt) { state_t *s = p; if (s->ready != 2) abort(); s->score++; s->time[0] += dt; }
static void shutdown(void *p) { (void)p; }
static void migrate(void *dst, const void *src, size_t size, int32_t revision)
{
    state_t *s = dst;
    if (s->ready != 1 || size != 16 || revision != 7 || *(const int *)src == ON)
        *(volatile int *)8 = 1;
    s->ready = 2;
#ifdef PAST
    s->time[2] = 0;
#endif
}
static logic_api_t api = {
    .api_version = 1, .api_revision = 1, .state_size = sizeof(state_t), .init = init, .tick = tick, .shutdown = shutdown, .migrate = migrate,
};
LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
`

func TestMigrateIsTriedOnCopies(t *testing.T) {
	r := newRunner(t, Config{})
	live := liveScores(t, 10, 20, 30)
	live.Migrate, live.Revision = true, 7
	report, err := r.Try(t.Context(), Candidate{Path: plugin(t, wider, "-DON=99"), DT: 0.1, Shards: 3, Live: live})
	if err != nil || report.Shards != 3 || report.Ticks != 3 || report.Fresh {
		t.Errorf("%+v, %v: want 3 ticks of 3 shards that have migrated", report, err)
	}
	for flag, cause := range map[string]string{"-DON=30": "SIGSEGV", "-DPAST -DON=99": "past the end of its state"} {
		_, err = r.Try(t.Context(), Candidate{Path: plugin(t, wider, strings.Fields(flag)...), DT: 0.1, Shards: 3, Live: live})
		var v *Verdict
		if !errors.As(err, &v) || v.Stage != StageMigrate || !strings.Contains(v.Cause, cause) {
			t.Errorf("%s: got %v", flag, err)
		}
	}
	// Without leave to migrate it is tried on fresh shards, and what it says of them counts.
	live.Migrate = false
	_, err = r.Try(t.Context(), Candidate{Path: plugin(t, wider, "-DON=99"), DT: 0.1, Shards: 3, Live: live})
	if v := (*Verdict)(nil); !errors.As(err, &v) || v.Stage != StageTick {
		t.Errorf("fresh shards are not ready: got %v", err)
	}
}
