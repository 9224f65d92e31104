// Command epoch measures the read side of package epoch beside other ways to read a value that is replaced now and then,
// and the cost of its slow paths. Every round takes each cell once, in turn, so that a noisy neighbour disturbs all
// alike; a cell is the median of the rounds, with their quartiles as spread, in nanoseconds of CPU time for one read.
// What readers do to each other shows only while they run at the same time: a sample counts as full when the readers
// had nine tenths of the processors that they could use, and is tried again a few times otherwise. A cell with fewer
// than three full samples is made from all and marked ~.
//
// Usage: go run . [-rounds N] [-slice D] [-json FILE]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// cell is one measurement.
type cell struct {
	Scheme     string  `json:"scheme"`
	Procs      int     `json:"gomaxprocs"`
	Goroutines int     `json:"goroutines"`
	Writer     bool    `json:"writer"`
	Median     float64 `json:"ns"`
	Low        float64 `json:"q1"`
	High       float64 `json:"q3"`
	Full       int     `json:"full_samples"`

	scheme  scheme
	samples []float64 // all
	full    []float64
}

func main() {
	rounds := flag.Int("rounds", 11, "rounds")
	slice := flag.Duration("slice", 5*time.Millisecond, "duration of one sample")
	file := flag.String("json", "", "write the cells to this file")
	flag.Parse()
	cells := grid()
	for range *rounds {
		for _, c := range cells {
			for try := 0; try < 6 && !c.sample(*slice); try++ {
			}
		}
	}
	native := measureNative(*rounds, *slice)
	var all []*cell
	for _, c := range append(cells, native...) {
		c.summarise()
		all = append(all, c)
	}
	printTable(all)
	printSlowPaths(*rounds)
	if *file != "" {
		text, err := json.MarshalIndent(all, "", "\t")
		if err == nil {
			err = os.WriteFile(*file, append(text, '\n'), 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func grid() (cells []*cell) {
	for _, writer := range []bool{false, true} {
		for _, procs := range []int{1, 2} {
			for _, goroutines := range []int{1, 2, 8, 64} {
				for _, s := range schemes {
					cells = append(cells, &cell{
						Scheme: s.name, Procs: procs, Goroutines: goroutines, Writer: writer, scheme: s,
					})
				}
			}
		}
	}
	return cells
}

var sink atomic.Int64

// batch is the number of reads between two looks at the clock's flag; each goroutine yields after it.
const batch = 1024

// sample runs readers for the slice, takes the CPU time of one read, and tells whether the sample is full.
func (c *cell) sample(slice time.Duration) bool {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.Procs))
	reader, write := c.scheme.make()
	var stop atomic.Bool
	var reads atomic.Int64
	var running sync.WaitGroup
	loops := make([]loop, c.Goroutines)
	for i := range loops {
		loops[i] = reader()
	}
	runtime.GC()
	before, start := cpu(), time.Now()
	for _, read := range loops {
		running.Go(func() {
			n, sum := 0, 0
			for !stop.Load() {
				sum += read(batch)
				n += batch
				runtime.Gosched()
			}
			reads.Add(int64(n))
			sink.Add(int64(sum))
		})
	}
	end := time.After(slice)
	writes := time.NewTicker(time.Millisecond)
	defer writes.Stop()
	for running := true; running; {
		select {
		case <-end:
			running = false
		case <-writes.C:
			if c.Writer {
				write()
			}
		}
	}
	stop.Store(true)
	running.Wait()
	used, wall := cpu()-before, time.Since(start)
	ns := float64(used) / float64(reads.Load())
	c.samples = append(c.samples, ns)
	if float64(used) < 0.9*float64(wall)*float64(min(c.Procs, c.Goroutines)) {
		return false
	}
	c.full = append(c.full, ns)
	return true
}

// cpu is the CPU time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// enough is the number of full samples that make a cell.
const enough = 3

func (c *cell) summarise() {
	c.Full = len(c.full)
	if c.Full >= enough {
		c.samples = c.full
	}
	c.Low, c.Median, c.High = quartiles(c.samples)
}

func quartiles(samples []float64) (low, median, high float64) {
	slices.Sort(samples)
	n := len(samples)
	return samples[n/4], samples[n/2], samples[3*n/4]
}

func printTable(cells []*cell) {
	for _, writer := range []bool{false, true} {
		title := "no writer"
		if writer {
			title = "a writer every millisecond"
		}
		var columns, names []string
		table := make(map[string]*cell)
		for _, c := range cells {
			if c.Writer != writer {
				continue
			}
			column := fmt.Sprintf("P%d/G%d", c.Procs, c.Goroutines)
			if !slices.Contains(columns, column) {
				columns = append(columns, column)
			}
			if !slices.Contains(names, c.Scheme) {
				names = append(names, c.Scheme)
			}
			table[c.Scheme+column] = c
		}
		fmt.Printf("\n%s: CPU ns a read, median (quartiles)\n\n| | %s |\n|---|%s\n",
			title, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
		for _, name := range names {
			fmt.Printf("| %s |", name)
			for _, column := range columns {
				if c := table[name+column]; c != nil {
					mark := ""
					if c.Full < enough {
						mark = "~"
					}
					fmt.Printf(" %s%.1f (%.1f–%.1f) |", mark, c.Median, c.Low, c.High)
				} else {
					fmt.Print(" |")
				}
			}
			fmt.Println()
		}
	}
}
