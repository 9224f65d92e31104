package bench

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"hotreload/bench/internal/cgocall"

	"golang.org/x/sys/unix"
)

// Machine is what a report was measured on, and when. What cannot be found out is empty.
type Machine struct {
	Time       time.Time `json:"time"`
	Commit     string    `json:"commit"` // with "+" when files differ from it
	Command    []string  `json:"command"`
	Processor  string    `json:"processor"`
	Processors int       `json:"processors"`
	Kernel     string    `json:"kernel"`
	Go         string    `json:"go"`
	Cgo        bool      `json:"cgo"`
	Compiler   string    `json:"compiler"`
	LoadBefore string    `json:"load_before"` // the kernel's load averages: what else the machine did
	LoadAfter  string    `json:"load_after"`
}

func describe() Machine {
	return Machine{
		Time: time.Now().UTC(), Commit: commit(), Command: os.Args, Processor: processor(), Processors: runtime.NumCPU(),
		Kernel: kernel(), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH, Cgo: cgocall.Available,
		Compiler: firstLine("cc", "--version"), LoadBefore: load(),
	}
}

func commit() string {
	c := firstLine("git", "rev-parse", "--short=12", "HEAD")
	if c != "" && firstLine("git", "status", "--porcelain", "--untracked-files=no") != "" {
		c += "+"
	}
	return c
}

// firstLine returns the first line that a command prints, or nothing.
func firstLine(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return string(line)
}

func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
