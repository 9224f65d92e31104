package wear

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Point is what the process had after so many swaps.
type Point struct {
	Swaps       int     `json:"swaps"`
	Resident    float64 `json:"resident_mib"`
	Heap        float64 `json:"heap_mib"` // of Go, live
	Descriptors int     `json:"descriptors"`
	Mappings    int     `json:"mappings"`
	Threads     int     `json:"threads"`
}

// read takes a reading. Nothing else may be going on in the process.
func read(swaps int) (Point, error) {
	debug.FreeOSMemory() // collects too
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p := Point{Swaps: swaps, Heap: float64(m.HeapAlloc) / (1 << 20)}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return p, fmt.Errorf("read the process's books: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		number, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB")) // of the two below a number
		switch name {
		case "VmRSS":
			p.Resident = float64(number) / 1024
		case "Threads":
			p.Threads = number
		}
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return p, fmt.Errorf("read the process's books: %w", err)
	}
	p.Mappings = bytes.Count(maps, []byte("\n"))
	p.Descriptors, err = descriptors()
	return p, err
}

func descriptors() (int, error) {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0, fmt.Errorf("read the process's books: %w", err)
	}
	return len(list) - 1, nil // without that of the directory
}
