package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// ledger compiles testdata/ledger.c with the given switches.
func ledger(t *testing.T, switches ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.so")
	args := append([]string{"-O1", "-shared", "-fPIC", "-I../../logic", "-o", path, "testdata/ledger.c"}, switches...)
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bytes, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// TestKill kills a host with a state file HOTRELOAD_KILLS times (default 12), each time at a random moment: while it
// begins, ticks, swaps, migrates, is rolled back after a fault, or ends; the number of workers and the layout of the state
// change from run to run as well. After each kill the next host must find every shard whole, and at the end every shard has
// run every tick once.
func TestKill(t *testing.T) {
	w := newWorkbench(t)
	kills := number(t, "HOTRELOAD_KILLS", 12)
	seed := number(t, "HOTRELOAD_SEED", uint64(time.Now().UnixNano()))
	t.Logf("HOTRELOAD_KILLS=%d HOTRELOAD_SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(seed, 0))

	good := [][]byte{ledger(t), ledger(t, "-DBATCH"), ledger(t, "-DWIDE"), ledger(t, "-DWIDE", "-DBATCH")}
	bad := ledger(t, "-DWIDE", "-DCRASH") // from either layout there is a way back without loss
	dir := t.TempDir()
	library := filepath.Join(dir, "ledger.so")
	saved := 0
	save := func(bytes []byte) {
		t.Helper()
		saved++
		write(t, library+".new", string(bytes)+fmt.Sprintf("\n%d\n", saved)) // no two are the same artifact
		if err := os.Rename(library+".new", library); err != nil {
			t.Fatal(err)
		}
	}
	const shards = 7
	host := func(flags ...string) *hosted {
		t.Helper()
		save(good[random.IntN(len(good))])
		return run(t, w.command, t.TempDir(), nil, append([]string{
			"--watch", library, "--state-file", filepath.Join(dir, "state"), "--shards", fmt.Sprint(shards),
			"--debounce-ms", "1", "--probation-ticks", "50", "--migrate", "auto",
		}, append(flags, w.untried...)...)...)
	}
	last, undone, behind := uint64(0), 0, 0 // the tick of the last resumption; how many were not trivial
	resumed := func(h *hosted) {
		for _, e := range h.entries {
			if e.text("msg") != "taken up" {
				continue
			}
			if e.number("tick") < last {
				h.fail("resumed at tick %d, after tick %d", e.number("tick"), last)
			}
			last = e.number("tick")
			if e.number("undone") > 0 {
				undone++
			}
			if e.number("behind") > 0 {
				behind++
			}
		}
	}
	for range kills {
		swap, pace := "aligned", "0"
		if random.IntN(4) == 0 {
			swap = "immediate"
		}
		if random.IntN(4) == 0 {
			pace = "0.05"
		}
		h := host("--workers", fmt.Sprint(1+random.IntN(4)), "--swap", swap, "--tick-ms", pace)
		if random.IntN(6) > 0 {
			h.await("running")
			for range random.IntN(4) {
				if random.IntN(3) == 0 {
					save(bad)
					if random.IntN(2) == 0 {
						break // or the next would have a library without a predecessor that is good
					}
					h.await("rolled back")
					continue
				}
				save(good[random.IntN(len(good))])
				if random.IntN(2) == 0 {
					h.await("swapped")
				}
			}
			if random.IntN(6) == 0 {
				_ = h.cmd.Process.Signal(syscall.SIGTERM)
			}
		}
		time.Sleep(time.Duration(random.IntN(20_000)) * time.Microsecond) // the random moment
		_ = h.cmd.Process.Kill()
		<-h.done
		h.read()
		resumed(h)
	}
	const ticks = 100
	h := host("--ticks", fmt.Sprint(ticks), "--tick-ms", "0")
	h.exits(0)
	resumed(h)
	h.next = 0
	score := last + ticks
	h.await("final", fmt.Sprintf("state=^score=%d opened=%d closed=%d torn=0 inits=1$", score, score, score))
	// What a killed host has left goes with the next one, or with the one after it: for a moment the lock on a file outlives
	// its process.
	left, err := os.ReadDir(dir)
	for tries := 0; tries < 5 && err == nil && len(left) > 2; tries++ {
		host("--ticks", "1", "--tick-ms", "0").exits(0)
		left, err = os.ReadDir(dir)
	}
	if err != nil || len(left) != 2 {
		t.Errorf("expected the library and the state, got %v %v", left, err)
	}
	t.Logf("%d ticks; %d times a shard was in the middle of one, %d times one was behind others", score, undone, behind)
}
