package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed native/urcu.c
var source string

// measureNative compiles and runs the same loop over liburcu, once for each round. Without a compiler or the library's
// headers (Debian: liburcu-dev) it says so and measures nothing.
func measureNative(rounds int, slice time.Duration) []*cell {
	dir, err := os.MkdirTemp("", "urcu")
	if err != nil {
		fmt.Fprintln(os.Stderr, "liburcu is left out:", err)
		return nil
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "urcu.c")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, "liburcu is left out:", err)
		return nil
	}
	flavours := []struct{ name, flag, library string }{
		{"liburcu qsbr (C)", "-DQSBR", "-lurcu-qsbr"},
		{"liburcu memb (C)", "-DMEMB", "-lurcu-memb"},
	}
	var cells []*cell
	for _, f := range flavours {
		cmd := exec.Command("cc", "-O2", f.flag, "-o", filepath.Join(dir, f.flag), path, f.library, "-lpthread")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s is left out: %v\n%s", f.name, err, out)
			continue
		}
		for _, writer := range []bool{false, true} {
			for _, threads := range []int{1, 2} {
				c := &cell{Scheme: f.name, Procs: threads, Goroutines: threads, Writer: writer}
				for range rounds {
					cmd := exec.Command(filepath.Join(dir, f.flag), strconv.Itoa(threads),
						strconv.FormatInt(slice.Microseconds(), 10), strconv.FormatBool(writer))
					out, err := cmd.Output() // CPU time over wall time, then nanoseconds a read
					if err != nil {
						fmt.Fprintf(os.Stderr, "%s: %v\n", f.name, err)
						return cells
					}
					var busy, ns float64
					if _, err := fmt.Sscan(string(out), &busy, &ns); err != nil {
						fmt.Fprintf(os.Stderr, "%s: %v\n", f.name, err)
						return cells
					}
					c.samples = append(c.samples, ns)
					if busy >= 0.9*float64(threads) {
						c.full = append(c.full, ns)
					}
				}
				cells = append(cells, c)
			}
		}
	}
	return cells
}
