package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// A Header says whose state a state file or a snapshot holds, and what its bytes mean.
type Header struct {
	// StateSize is the bytes of one shard's state, StateRevision the plugin's number for its layout, Shards their number.
	StateSize     uint64
	StateRevision int32
	Shards        int
	// Seed is what the shards' seeds derive from, DT the length of a tick in seconds.
	Seed uint64
	DT   float64
	// Layout is what the bytes of a shard mean to the code that ran last.
	Layout *Layout
	// Artifact is the SHA-256 of that code's library, Generation its number in the run.
	Artifact   [32]byte
	Generation uint64
	// Tick is how many ticks all shards have completed: of a snapshot each just as many. In the file of a run that was
	// killed it is older than what the undo log says.
	Tick uint64

	// Of a state file alone.

	// PID is the process that has, or had, the file.
	PID int
	// Clean says that the run has ended in order; Sum is then the checksum of all shards.
	Clean bool
	Sum   uint32
	// Restoring says that a snapshot was being restored: some shards may hold what others do not.
	Restoring bool

	layoutHash [32]byte // of a layout that is too long to be kept, else that of Layout
}

// The two kinds of what begins with a header.
const (
	magicFile     = "hotstate"
	magicSnapshot = "hotsnap\n"
)

const (
	headerVersion = 1
	// maxHeader bounds an encoded header, and is what a state file has room for, twice.
	maxHeader = 64 << 10
	// preambleSize is the bytes from which on the length of a header is known.
	preambleSize = 16
	checksumSize = 4
)

// castagnoli is the polynomial for which processors have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodedHeader is the part of fixed size of a header, as it stands in a file, little-endian. The layout and a CRC-32C
// of all follow.
type encodedHeader struct {
	Magic      [8]byte
	Version    uint32
	Length     uint32 // of the whole header, layout and CRC included
	Sequence   uint64 // grows with each header that is written to a file
	StateSize  uint64
	Stride     uint64
	Shards     uint64
	Seed       uint64
	DT         float64
	Generation uint64
	Tick       uint64
	PID        uint64
	Sum        uint32
	Flags      uint32
	Revision   int32
	Artifact   [32]byte
	LayoutHash [32]byte
	LayoutSize uint32
}

// The flags.
const (
	flagClean = 1 << iota
	flagRestoring
)

// encode returns the header as it stands in a file. A layout too long for it is kept as nothing but its hash.
func (h *Header) encode(magic string, sequence uint64) []byte {
	e := encodedHeader{
		Version: headerVersion, Sequence: sequence, StateSize: h.StateSize, Stride: strideOf(h.StateSize),
		Shards: uint64(h.Shards), Seed: h.Seed, DT: h.DT, Generation: h.Generation, Tick: h.Tick, PID: uint64(h.PID),
		Sum: h.Sum, Flags: uint32(flagBits(h.Clean, h.Restoring)), Revision: h.StateRevision, Artifact: h.Artifact,
		LayoutHash: h.Layout.Hash(),
	}
	copy(e.Magic[:], magic)
	layout := h.Layout.appendTo(nil)
	if len(layout) > maxHeader-binary.Size(e)-checksumSize {
		layout = SizeOnly(h.StateSize).appendTo(nil)
	}
	e.LayoutSize = uint32(len(layout))
	e.Length = uint32(binary.Size(e) + len(layout) + checksumSize)
	b, err := binary.Append(nil, binary.LittleEndian, &e)
	if err != nil {
		panic(err) // encodedHeader is of fixed size
	}
	b = append(b, layout...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

var (
	errForeign   = errors.New("is no state of hotreload: it begins with something else")
	errCut       = errors.New("the header is cut short")
	errSum       = errors.New("the header is damaged: its checksum does not match")
	errMalformed = errors.New("the header is malformed")
)

// decodeHeader reads a header from the front of b, which may be longer.
func decodeHeader(b []byte, magic string) (h *Header, sequence uint64, err error) {
	length, err := headerLength(b, magic)
	switch {
	case err != nil:
		return nil, 0, err
	case length > len(b):
		return nil, 0, errCut
	}
	b = b[:length]
	content := b[:length-checksumSize]
	if crc32.Checksum(content, castagnoli) != binary.LittleEndian.Uint32(b[length-checksumSize:]) {
		return nil, 0, errSum
	}
	var e encodedHeader
	n, err := binary.Decode(content, binary.LittleEndian, &e)
	if err != nil || uint64(e.LayoutSize) != uint64(len(content)-n) {
		return nil, 0, errMalformed
	}
	h, err = e.header(content[n:])
	return h, e.Sequence, err
}

// headerLength reads how long a header is, from its preamble.
func headerLength(b []byte, magic string) (int, error) {
	if n := min(len(b), len(magic)); n == 0 || string(b[:n]) != magic[:n] {
		return 0, errForeign
	}
	if len(b) < preambleSize {
		return 0, errCut
	}
	if version := binary.LittleEndian.Uint32(b[8:]); version != headerVersion {
		return 0, fmt.Errorf("is of version %d, expected %d: it was made by another hotreload", version, headerVersion)
	}
	length := binary.LittleEndian.Uint32(b[12:])
	if length < uint32(binary.Size(encodedHeader{})+checksumSize) || length > maxHeader {
		return 0, errSum
	}
	return int(length), nil
}

// header checks what the fields say.
func (e *encodedHeader) header(layout []byte) (*Header, error) {
	switch {
	case e.Shards > math.MaxInt32 || checkShape(e.StateSize, int(e.Shards)) != nil, e.Stride != strideOf(e.StateSize), e.Tick > maxTicks:
		return nil, errMalformed
	}
	l, err := decodeLayout(layout)
	if err != nil {
		return nil, err
	}
	if l.Size != e.StateSize || l.Source != SourceSize && l.Hash() != e.LayoutHash {
		return nil, errors.New("the header contradicts itself about the layout of the state")
	}
	return &Header{
		StateSize: e.StateSize, StateRevision: e.Revision, Shards: int(e.Shards), Seed: e.Seed, DT: e.DT, Layout: l, Artifact: e.Artifact,
		Generation: e.Generation, Tick: e.Tick, PID: int(e.PID), Clean: e.Flags&flagClean != 0, Sum: e.Sum,
		Restoring: e.Flags&flagRestoring != 0, layoutHash: e.LayoutHash,
	}, nil
}

// Mismatch lists what stands between the state and code that means by it what layout says; none: the code may go on with
// it. See Compatible.
func (h *Header) Mismatch(layout *Layout) []Difference {
	if kept := h.Layout.Source == SourceSize && h.layoutHash != h.Layout.Hash(); kept && layout.describesFields() && layout.Hash() != h.layoutHash {
		return []Difference{{wholeState, Retyped, "too many fields to be kept in a file", "others"}}
	}
	if Compatible(h.Layout, layout) {
		return nil
	}
	return Diff(h.Layout, layout)
}

// chooseHeader returns the newer one of two copies that is whole, and why the other is not. Without any it returns the
// reason.
func chooseHeader(copies [2][]byte) (h *Header, sequence uint64, damage, err error) {
	var headers [2]*Header
	var sequences [2]uint64
	var errs [2]error
	for i, b := range copies {
		headers[i], sequences[i], errs[i] = decodeHeader(b, magicFile)
	}
	switch {
	case errs[0] != nil && errs[1] != nil:
		if errors.Is(errs[0], errForeign) && !errors.Is(errs[1], errForeign) {
			errs[0] = errs[1]
		}
		return nil, 0, nil, errs[0]
	case errs[0] != nil:
		return headers[1], sequences[1], errs[0], nil
	case errs[1] != nil:
		return headers[0], sequences[0], errs[1], nil
	}
	newer := 0
	if sequences[1] > sequences[0] {
		newer = 1
	}
	return headers[newer], sequences[newer], nil, nil
}
