package pause

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// runqueue tells how long a thread has been ready to run and had no processor: that is what other programs, or too few
// processors, did to it.
type runqueue struct {
	file int
	text [128]byte
}

// openRunqueue opens the books that the kernel keeps of the calling thread. Without them every reading is 0.
func openRunqueue() *runqueue {
	file, err := unix.Open("/proc/thread-self/schedstat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		file = -1
	}
	return &runqueue{file: file}
}

// read returns the total since the thread began. It costs about a microsecond and does not allocate.
func (q *runqueue) read() time.Duration {
	if q.file < 0 {
		return 0
	}
	n, err := unix.Pread(q.file, q.text[:], 0)
	if err != nil {
		return 0
	}
	return secondNumber(q.text[:n])
}

func (q *runqueue) close() {
	if q.file >= 0 {
		_ = unix.Close(q.file)
	}
}

// secondNumber returns the second of the decimal numbers in line: nanoseconds on the run queue.
func secondNumber(line []byte) time.Duration {
	begin := 0
	for begin < len(line) && line[begin] != ' ' {
		begin++
	}
	begin++
	end := begin
	for end < len(line) && '0' <= line[end] && line[end] <= '9' {
		end++
	}
	if begin >= end {
		return 0
	}
	n, err := strconv.ParseInt(string(line[begin:end]), 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n)
}
