package build

import (
	"fmt"
	"strings"
)

const (
	// MaxOutput bounds Result.Output and Failure.Output, in bytes; a longer output loses its middle.
	MaxOutput = 64 << 10

	maxHead = MaxOutput / 2
	// maxTail leaves room for the line that stands for what was left out.
	maxTail = MaxOutput/2 - 128
)

// transcript keeps the beginning and the end of what is written to it, in bounded memory. The zero transcript is ready
// for use, by one goroutine at a time.
type transcript struct {
	head []byte
	tail []byte // a ring once it holds maxTail bytes; next is then its oldest byte
	next int
	// left is the number of bytes overwritten in the ring.
	left int64
}

// Write implements io.Writer; it never fails.
func (t *transcript) Write(p []byte) (int, error) {
	total := len(p)
	if room := maxHead - len(t.head); room > 0 {
		n := min(room, len(p))
		t.head = append(t.head, p[:n]...)
		p = p[n:]
	}
	if skip := len(p) - maxTail; skip > 0 { // only the end of p can remain: all of the ring is overwritten
		t.left += int64(len(t.tail) + skip)
		t.tail, t.next = append(t.tail[:0], p[skip:]...), 0
		return total, nil
	}
	if room := maxTail - len(t.tail); room > 0 {
		n := min(room, len(p))
		t.tail = append(t.tail, p[:n]...)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(t.tail[t.next:], p)
		p = p[n:]
		t.next = (t.next + n) % maxTail
		t.left += int64(n)
	}
	return total, nil
}

// String returns what was kept, as valid UTF-8 of at most MaxOutput bytes. When something was left out, a line says how
// much, and the parts around it begin and end with whole lines where they can.
func (t *transcript) String() string {
	tail := string(t.tail[t.next:]) + string(t.tail[:t.next])
	if t.left == 0 {
		return strings.ToValidUTF8(string(t.head)+tail, "?")
	}
	head, left := string(t.head), t.left
	if i := strings.LastIndexByte(head, '\n'); i >= 0 {
		left += int64(len(head) - i - 1)
		head = head[:i+1]
	}
	if i := strings.IndexByte(tail, '\n'); i >= 0 && i+1 < len(tail) {
		left += int64(i + 1)
		tail = tail[i+1:]
	}
	return strings.ToValidUTF8(fmt.Sprintf("%s\n... %d bytes left out ...\n%s", head, left, tail), "?")
}
