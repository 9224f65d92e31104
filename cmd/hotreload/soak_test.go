package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// soakKind is a kind of library that a soak saves, and the log entries that it has to cause.
type soakKind struct {
	name    string
	weight  int
	defines int  // KIND in soak.c; -1: the good one, cut off
	later   bool // what it does, it does when it has run for a while
	causes  []string
}

var soakKinds = []soakKind{
	{"good", 8, 0, false, []string{"swapped"}},
	{"crashes in its first tick", 2, 1, false, []string{"swapped", "fault", "rolled back"}},
	{"divides by zero", 1, 2, false, []string{"swapped", "fault", "rolled back"}},
	{"overflows the stack", 1, 3, false, []string{"swapped", "fault", "rolled back"}},
	{"aborts", 1, 4, false, []string{"swapped", "fault", "rolled back"}},
	{"crashes some time later", 1, 5, true, []string{"swapped"}},
	{"crashes when it leaves", 1, 6, false, []string{"swapped"}},
	{"has another version", 1, 7, false, []string{"rejected"}},
	{"has another state", 1, 8, false, []string{"rejected"}},
	{"has no tick", 1, 9, false, []string{"rejected"}},
	{"is cut off", 2, -1, false, []string{"rejected"}},
}

const overflows = 3 // in soakKinds

// number reads a number from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// footprint is what a process holds of the system.
type footprint struct {
	descriptors, threads, libraries, files int
	resident                               int64 // KiB
}

func (f footprint) String() string {
	return fmt.Sprintf("%d descriptors, %d threads, %d plugin libraries mapped, %d private files, %.1f MiB resident",
		f.descriptors, f.threads, f.libraries, f.files, float64(f.resident)/1024)
}

// footprint looks at the host from outside.
func (h *hosted) footprint() footprint {
	h.t.Helper()
	count := func(pattern string) int {
		found, err := filepath.Glob(pattern)
		if err != nil {
			h.fail("%v", err)
		}
		return len(found)
	}
	proc := fmt.Sprintf("/proc/%d", h.cmd.Process.Pid)
	f := footprint{
		descriptors: count(proc + "/fd/*"), threads: count(proc + "/task/*"), libraries: len(h.mapped()),
		files: count(filepath.Join(h.dir, "hotreload-*", "*", "*")),
	}
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		h.fail("%v", err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			f.resident, _ = strconv.ParseInt(strings.Fields(value)[0], 10, 64)
		}
	}
	return f
}

// TestSoak reloads a free-running host HOTRELOAD_SOAK times (default 60), with good, crashing, mismatching and damaged
// libraries in an order that HOTRELOAD_SEED determines. Afterwards every shard has ticked once per tick, every library
// that can be unmapped is, and the host holds no more of the system than near the beginning.
func TestSoak(t *testing.T) {
	w := newWorkbench(t)
	reloads := number(t, "HOTRELOAD_SOAK", 60)
	seed := number(t, "HOTRELOAD_SEED", uint64(time.Now().UnixNano()))
	t.Logf("HOTRELOAD_SOAK=%d HOTRELOAD_SEED=%d", reloads, seed)
	random := rand.New(rand.NewPCG(seed, 0))

	stock := compileSoak(t)
	var deck []int
	for i, kind := range soakKinds {
		for range kind.weight {
			deck = append(deck, i)
		}
	}
	dir := t.TempDir()
	library := filepath.Join(dir, "soak.so")
	saved := 0
	save := func(kind int) {
		t.Helper()
		bytes := stock[kind]
		if soakKinds[kind].defines < 0 {
			bytes = stock[0][:64+random.IntN(len(stock[0])-64-2048)]
		}
		saved++
		write(t, library+".new", string(bytes)+fmt.Sprintf("\n%d\n", saved)) // no two are the same artifact
		if err := os.Rename(library+".new", library); err != nil {
			t.Fatal(err)
		}
	}
	save(0)
	h := run(t, w.command, dir, nil, append([]string{
		"--watch", library, "--shards", "8", "--workers", "4", "--tick-ms", "0", "--debounce-ms", "1", "--show", "score",
	}, w.untried...)...)
	h.await("running")

	one := func(kind int) {
		t.Helper()
		save(kind)
		generation := ""
		for _, message := range soakKinds[kind].causes {
			if message == "fault" {
				h.await(message, "generation=^"+generation+"$")
			} else {
				generation = h.await(message).text("generation")
			}
		}
	}
	// An overflow touches the whole stack of a worker's thread, which stays resident: have that behind us.
	for range 16 {
		one(overflows)
	}
	before := h.settled(save)
	counts := make(map[string]int)
	start := time.Now()
	last := 0
	for range reloads {
		kind := deck[random.IntN(len(deck))]
		if soakKinds[last].later {
			kind = 0 // something to fall back to
		}
		last = kind
		counts[soakKinds[kind].name]++
		one(kind)
	}
	took := time.Since(start)
	after := h.settled(save)

	p := plugin{hosted: h}
	p.continuous(0)
	all := h.publications()
	ticks := all[len(all)-1].tick
	pinned := 0
	for _, e := range h.entries {
		if e.text("msg") == "library stays mapped" {
			pinned++
			if e.text("reason") != "poisoned" {
				h.fail("a library without anything that pins it stays mapped: %v", e)
			}
		}
	}
	t.Logf("%d reloads in %v, %v each; %d publications, %d ticks, each once in every shard; %v",
		reloads, took.Round(time.Millisecond), (took / time.Duration(reloads)).Round(time.Microsecond), len(all), ticks, counts)
	t.Logf("at the beginning: %v", before)
	t.Logf("at the end: %v; %d of the libraries are pinned", after, pinned)
	h.stop(0)

	more := pinned // libraries since before, at most
	if after.libraries != pinned+1 {
		t.Errorf("%d libraries are mapped, expected the one that runs and %d that are pinned", after.libraries, pinned)
	}
	if after.descriptors > before.descriptors+2 {
		t.Errorf("descriptors grew from %d to %d", before.descriptors, after.descriptors)
	}
	if after.threads > before.threads+24 { // the Go runtime keeps those that it once needed at the same time
		t.Errorf("threads grew from %d to %d", before.threads, after.threads)
	}
	if after.files > before.files+more+8 { // and the artifacts that are kept to roll back to
		t.Errorf("private files grew from %d to %d, with %d libraries pinned", before.files, after.files, more)
	}
	if limit := before.resident + 16<<10 + int64(more)*64; after.resident > limit {
		t.Errorf("resident memory grew from %d KiB to %d KiB, with %d libraries pinned", before.resident, after.resident, more)
	}
}

// settled saves a good library and returns the footprint once every retired library is closed.
func (h *hosted) settled(save func(kind int)) footprint {
	h.t.Helper()
	// Two, so that no crash of what came before is still under way when the second runs.
	for range 2 {
		save(0)
		h.await("swapped")
	}
	h.until("the end of every retired library", func() bool {
		published, closed := 0, 0
		for _, e := range h.entries {
			switch e.text("msg") {
			case "running", "swapped", "rolled back":
				published++
			case "reclaimed", "pinned":
				closed++
			}
		}
		return closed == published-1
	})
	return h.footprint()
}

// compileSoak builds the kinds; of that which is cut off there is nothing to build.
func compileSoak(t *testing.T) [][]byte {
	t.Helper()
	stock := make([][]byte, len(soakKinds))
	for i, kind := range soakKinds {
		if kind.defines < 0 {
			continue
		}
		path := filepath.Join(t.TempDir(), "soak.so")
		cc := exec.Command("cc", "-O0", "-fstack-clash-protection", "-shared", "-fPIC", "-I../../logic",
			fmt.Sprintf("-DKIND=%d", kind.defines), "-o", path, "testdata/hostile/soak.c")
		if out, err := cc.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", kind.name, err, out)
		}
		bytes, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		stock[i] = bytes
	}
	return stock
}
