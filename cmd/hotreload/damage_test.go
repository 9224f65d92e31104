package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestDamagedLibraries saves libraries with random damage, one after the other, over a good one that somebody else has
// built. Whatever inspection, trial and guard make of each, the host stays up, and the good one that follows runs. It goes
// on for HOTRELOAD_DAMAGE (default 3s) in an order that HOTRELOAD_SEED determines.
func TestDamagedLibraries(t *testing.T) {
	w := newWorkbench(t)
	if !w.trial {
		t.Skip("the command has no --trial: without one, nothing saves the host from the loader")
	}
	long := 3 * time.Second
	if text := os.Getenv("HOTRELOAD_DAMAGE"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatalf("HOTRELOAD_DAMAGE: %v", err)
		}
	}
	seed := number(t, "HOTRELOAD_SEED", uint64(time.Now().UnixNano()))
	t.Logf("HOTRELOAD_DAMAGE=%v HOTRELOAD_SEED=%d", long, seed)
	random := rand.New(rand.NewPCG(seed, 1))

	dir := t.TempDir()
	whole := compileWhole(t)
	d := &damaged{t: t, command: w.command, library: filepath.Join(dir, "plugin.so"), dir: dir, whole: whole}
	d.start()
	verdicts := make(map[string]int)
	tried := 0
	for start := time.Now(); time.Since(start) < long; tried++ {
		candidate := damage(random, whole)
		before := d.host
		verdicts[d.try(candidate)]++
		if d.host != before {
			verdicts["the layout of the state was accepted, but not the true one after it"]++
		}
	}
	t.Logf("%d damaged libraries: %v", tried, verdicts)
	d.host.stop(d.host.outcome())
}

// damaged is a host that is given damaged libraries.
type damaged struct {
	t                     *testing.T
	command, library, dir string
	whole                 []byte
	saved                 int
	host                  *hosted
	last                  []byte
}

func (d *damaged) start() {
	d.t.Helper()
	d.save(d.whole)
	d.host = run(d.t, d.command, d.dir, nil, "--watch", d.library, "--shards", "4", "--workers", "2", "--tick-ms", "1",
		"--debounce-ms", "1", "--tick-kill", "100ms")
	d.host.await("running")
}

// save puts a library in place. What is behind its end does not matter, but makes every one another.
func (d *damaged) save(library []byte) {
	d.t.Helper()
	d.saved++
	d.last = library
	write(d.t, d.library+".new", string(library)+fmt.Sprintf("\n%d\n", d.saved))
	if err := os.Rename(d.library+".new", d.library); err != nil {
		d.t.Fatal(err)
	}
}

// try gives the host a damaged library, then a good one, and returns what became of the former. A damaged library may
// change the layout of the state; then a new host takes over.
func (d *damaged) try(library []byte) string {
	d.t.Helper()
	defer func() {
		if d.t.Failed() {
			path := filepath.Join(os.TempDir(), "hotreload-damaged.so")
			_ = os.WriteFile(path, library, 0o600)
			d.t.Logf("the culprit is in %s", path)
		}
	}()
	d.save(library)
	verdict := d.host.verdict()
	d.save(d.whole)
	if good := d.host.verdict(); good != "swapped" {
		if verdict != "swapped" {
			d.host.fail("a good library after a damaged one that was %s: %s", verdict, good)
		}
		d.host.stop(d.host.outcome())
		d.start()
	}
	return verdict
}

// verdict waits for that on a save: "swapped", or the stage that refused it.
func (h *hosted) verdict() string {
	h.t.Helper()
	verdict := ""
	h.until("a verdict", func() bool {
		for ; h.next < len(h.entries) && verdict == ""; h.next++ {
			switch e := h.entries[h.next]; e.text("msg") {
			case "swapped":
				verdict = "swapped"
			case "rejected":
				verdict = "refused: " + e.text("stage")
			}
		}
		return verdict != ""
	})
	return verdict
}

// outcome is the exit code that the log so far deserves.
func (h *hosted) outcome() int {
	h.read()
	for _, e := range slices.Backward(h.entries) {
		switch e.text("msg") {
		case "running", "swapped", "unchanged":
			return 0
		case "rolled back", "nothing to roll back to":
			return 12
		case "rejected":
			return map[string]int{"inspect": 11, "trial": 11, "load": 11, "guard": 10, "run": 12}[e.text("stage")]
		}
	}
	return 0
}

// compileWhole builds the library that is going to be damaged.
func compileWhole(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "whole.so")
	cc := exec.Command("cc", "-g", "-shared", "-fPIC", "-I../../logic", "-o", path, "../../logic/logic.c")
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// damage returns a copy of whole that is cut off, has zeros at its end, or has up to eight bytes changed: in its headers,
// in what the loader reads, in the plugin's functions, or in what describes it. The code that the compiler adds for the
// loader to run stays as it is: a read that goes astray there may find memory in the trial's process and none in the
// host's, where nothing can contain it.
func damage(random *rand.Rand, whole []byte) []byte {
	damaged := bytes.Clone(whole)
	switch random.IntN(10) {
	case 0:
		return damaged[:random.IntN(len(whole))]
	case 1:
		clear(damaged[random.IntN(len(whole)):])
		return damaged
	}
	parts := parts(whole)
	part := parts[random.IntN(len(parts))]
	for range 1 + random.IntN(8) {
		damaged[part.from+random.IntN(part.size)] = byte(random.Uint32())
	}
	return damaged
}

// part is a range of bytes in a file.
type part struct{ from, size int }

// parts returns what damage may change: the ELF header, the program headers, each section without code, and the functions
// of the plugin itself.
func parts(whole []byte) []part {
	all := []part{{0, 64}, {64, 56 * 8}}
	f, err := elf.NewFile(bytes.NewReader(whole))
	if err != nil {
		return all
	}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NULL && s.Type != elf.SHT_NOBITS && s.Flags&elf.SHF_EXECINSTR == 0 && s.FileSize > 0 {
			all = append(all, part{int(s.Offset), int(s.FileSize)})
		}
	}
	symbols, _ := f.Symbols()
	for _, s := range symbols {
		if slices.Contains([]string{"init", "tick", "shutdown", "logic_get_api"}, s.Name) {
			text := f.Sections[s.Section]
			all = append(all, part{int(text.Offset + s.Value - text.Addr), int(s.Size)})
		}
	}
	return all
}
