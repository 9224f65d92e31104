package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A Snapshot is a copy of all shards at one tick. As bytes it is a header, then the shards in blocks, each with a
// checksum.
type Snapshot struct {
	Header Header
	born   []byte // 1 for each shard that has had its init
	bytes  []byte // StateSize for each shard
	data   []byte // both
}

// snapshotBlock is the bytes that share a checksum.
const snapshotBlock = 1 << 20

// NewSnapshot returns a snapshot with h and room for the shards, none of them taken yet.
func NewSnapshot(h Header) *Snapshot {
	s := &Snapshot{Header: h, data: make([]byte, dataSize(&h))}
	s.born, s.bytes = s.data[:h.Shards], s.data[h.Shards:]
	for i := 0; i < len(s.data); i += 4 << 10 {
		s.data[i] = 0 // the memory is there before anybody who must not wait writes to it
	}
	return s
}

func dataSize(h *Header) int64 { return int64(h.Shards) + int64(h.StateSize)*int64(h.Shards) }

// Shard returns the bytes of shard i, a view.
func (s *Snapshot) Shard(i int) []byte {
	size := s.Header.StateSize
	return s.bytes[uint64(i)*size : uint64(i+1)*size]
}

// Take copies the bytes of shard i, which has had its init. Different shards may be taken at the same time.
func (s *Snapshot) Take(i int, shard []byte) {
	copy(s.Shard(i), shard)
	s.born[i] = 1
}

// Born tells whether shard i had had its init.
func (s *Snapshot) Born(i int) bool { return s.born[i] != 0 }

// Size returns how many bytes WriteTo writes.
func (s *Snapshot) Size() int64 {
	return snapshotSize(&s.Header, len(s.Header.encode(magicSnapshot, 0)))
}

func snapshotSize(h *Header, header int) int64 {
	data := dataSize(h)
	return int64(header) + data + (data+snapshotBlock-1)/snapshotBlock*checksumSize
}

// WriteTo implements io.WriterTo.
func (s *Snapshot) WriteTo(w io.Writer) (written int64, err error) {
	put := func(b []byte) bool {
		var n int
		n, err = w.Write(b)
		written += int64(n)
		return err == nil
	}
	if !put(s.Header.encode(magicSnapshot, 0)) {
		return written, err
	}
	for rest := s.data; len(rest) > 0; {
		block := rest[:min(len(rest), snapshotBlock)]
		rest = rest[len(block):]
		if !put(block) || !put(binary.LittleEndian.AppendUint32(nil, crc32.Checksum(block, castagnoli))) {
			return written, err
		}
	}
	return written, nil
}

// SnapshotError refuses what is no whole snapshot.
type SnapshotError struct{ Reason error }

// Error implements error.
func (e *SnapshotError) Error() string { return fmt.Sprintf("snapshot: %v", e.Reason) }

// Unwrap returns the reason.
func (e *SnapshotError) Unwrap() error { return e.Reason }

// ReadSnapshot reads a snapshot and checks every byte. accept is asked about the header before more is read than that;
// its error is returned as it is, as is one of r. Other errors are a *SnapshotError.
func ReadSnapshot(r io.Reader, accept func(*Header) error) (*Snapshot, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	if err := accept(h); err != nil {
		return nil, err
	}
	s := NewSnapshot(*h)
	for rest := s.data; len(rest) > 0; {
		block := rest[:min(len(rest), snapshotBlock)]
		rest = rest[len(block):]
		if err := readBlock(r, block); err != nil {
			return nil, err
		}
	}
	return s, readEnd(r)
}

// CheckSnapshot reads a snapshot to its end and checks every byte, without keeping them.
func CheckSnapshot(r io.Reader) (*Header, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	buffer := make([]byte, min(dataSize(h), snapshotBlock))
	for left := dataSize(h); left > 0; left -= int64(len(buffer)) {
		buffer = buffer[:min(left, snapshotBlock)]
		if err := readBlock(r, buffer); err != nil {
			return nil, err
		}
	}
	return h, readEnd(r)
}

func readHeader(r io.Reader) (*Header, error) {
	b := make([]byte, preambleSize, maxHeader)
	n, err := io.ReadFull(r, b)
	length, malformed := headerLength(b[:n], magicSnapshot)
	switch {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err
	case malformed != nil:
		return nil, &SnapshotError{malformed}
	}
	b = b[:length]
	if err := readFull(r, b[n:]); err != nil {
		return nil, err
	}
	h, _, err := decodeHeader(b, magicSnapshot)
	if err != nil {
		return nil, &SnapshotError{err}
	}
	return h, nil
}

func readBlock(r io.Reader, block []byte) error {
	var sum [checksumSize]byte
	if err := readFull(r, block); err != nil {
		return err
	}
	if err := readFull(r, sum[:]); err != nil {
		return err
	}
	if crc32.Checksum(block, castagnoli) != binary.LittleEndian.Uint32(sum[:]) {
		return &SnapshotError{errors.New("is damaged: a checksum does not match")}
	}
	return nil
}

func readFull(r io.Reader, b []byte) error {
	if _, err := io.ReadFull(r, b); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &SnapshotError{fmt.Errorf("is cut short: %w", err)}
	} else if err != nil {
		return err
	}
	return nil
}

func readEnd(r io.Reader) error {
	var b [1]byte
	switch _, err := io.ReadFull(r, b[:]); {
	case err == nil:
		return &SnapshotError{errors.New("is followed by something else")}
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}
