package trial

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// margin is how many bytes at least are watched on either side of a state.
	margin = 512
	// canary fills them.
	canary = 0xC5
)

// space is the memory in which states are tried: a page that nobody may touch, watched bytes, then state after state
// with watched bytes behind each, and another such page. It lasts as long as the process.
type space struct {
	size   uint64 // of a state
	stride uint64 // from one state to the next
	count  int
	memory []byte // between the two pages
	first  uint64 // where the first state lies in memory
	fill   []byte // a page of canaries
}

// newSpace makes room for so many zeroed states.
func newSpace(size uint64, count int) (*space, error) {
	page := uint64(os.Getpagesize())
	up := func(n, to uint64) uint64 { return (n + to - 1) / to * to }
	s := &space{size: size, stride: up(size, shardAlign) + margin, count: count, first: page}
	s.fill = bytes.Repeat([]byte{canary}, int(page))
	length := up(page+s.stride*uint64(count), page)
	whole, err := unix.Mmap(-1, 0, int(length+2*page), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserve memory: %w", err)
	}
	s.memory = whole[page : page+length]
	if err := unix.Mprotect(s.memory, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return nil, fmt.Errorf("make memory: %w", err)
	}
	s.watched(func(low, high uint64) bool {
		copy(s.memory[low:high], s.fill)
		return true
	})
	return s, nil
}

// copySpace makes room for states and copies them from the file: those at the given offsets, of which there is only one,
// at a page, for a state too large to be copied, which is mapped copy-on-write.
func copySpace(fd int, size uint64, offsets []uint64) (*space, error) {
	s, err := newSpace(size, len(offsets))
	if err != nil {
		return nil, err
	}
	if size > copyLimit {
		err := s.mapState(fd, offsets[0])
		return s, err
	}
	for i, offset := range offsets {
		for state := s.state(i); len(state) > 0; {
			n, err := unix.Pread(fd, state, int64(offset))
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err == nil && n == 0:
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return nil, fmt.Errorf("copy a state: %w", err)
			}
			state, offset = state[n:], offset+uint64(n)
		}
	}
	return s, nil
}

// mapState lays the file, from offset on, over the one state, and canaries over the rest of its last page.
func (s *space) mapState(fd int, offset uint64) error {
	page := uint64(os.Getpagesize())
	length := (s.size + page - 1) / page * page
	at := unsafe.Pointer(&s.memory[s.first]) // a whole page
	_, err := unix.MmapPtr(fd, int64(offset), at, uintptr(length), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("map a state: %w", err)
	}
	copy(s.memory[s.first+s.size:s.first+length], s.fill)
	return nil
}

func (s *space) base() uintptr { return uintptr(unsafe.Pointer(&s.memory[s.first])) }

func (s *space) address(i int) uintptr { return s.base() + uintptr(i)*uintptr(s.stride) }

func (s *space) state(i int) []byte { return s.memory[s.first+uint64(i)*s.stride:][:s.size] }

// watched calls f with the bounds of each run of watched bytes, a page or less at a time, until it returns false.
func (s *space) watched(f func(low, high uint64) bool) {
	low := uint64(0)
	for i := 0; i <= s.count; i++ {
		high := uint64(len(s.memory))
		if i < s.count {
			high = s.first + uint64(i)*s.stride
		}
		for low < high {
			end := min(low+uint64(len(s.fill)), high)
			if !f(low, end) {
				return
			}
			low = end
		}
		low = high + s.size
	}
}

// damage describes the first write past the bounds of a state, "" if there was none.
func (s *space) damage() (text string) {
	s.watched(func(low, high uint64) bool {
		part := s.memory[low:high]
		if bytes.Equal(part, s.fill[:len(part)]) {
			return true
		}
		i := uint64(0)
		for part[i] == canary {
			i++
		}
		at := low + i
		if at < s.first {
			text = fmt.Sprintf("wrote before the beginning of its state, at offset %d", int64(at)-int64(s.first))
			return false
		}
		within := (at - s.first) % s.stride
		text = fmt.Sprintf("wrote past the end of its state: at offset %d of %d bytes", within, s.size)
		return false
	})
	return text
}
