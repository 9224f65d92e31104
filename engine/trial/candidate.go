package trial

import (
	"crypto/sha256"
	"os"

	"hotreload/engine/abi"
)

// Candidate is a library to try.
type Candidate struct {
	// Path is the file to load, absolute. Nobody may write to it; each trial is a process of its own, so it may be tried
	// again, and the host may load the same file afterwards.
	Path string
	// Name is what messages call the library, such as "logic.so". Default: the base name of Path.
	Name string
	// Expect is what the guard demands.
	Expect abi.Expectation
	// DT is the length of a tick in seconds.
	DT float64
	// Shards is the number of fresh states to make when there is nothing to copy; of more than 16 the first 16 are
	// tried. Default 1.
	Shards int
	// Seed gives the seed of a fresh shard; nil passes 0. It is called by Try.
	Seed func(shard int) uint64
	// Live is the state to try the library on; nil before the first generation. A state of another size or meaning than
	// the candidate's is not used, but see Live.Migrate.
	Live *Live
}

// Addresses says whether a state holds addresses, and so means nothing to another process.
type Addresses uint8

// The answers.
const (
	Unknown Addresses = iota // only the size of the state is known
	Absent                   // its layout has none
	Present                  // its layout has some
)

// Live is the running state. Of more than 16 shards, or of large ones, a few are tried that lie evenly spread.
type Live struct {
	// File is the memory of the shards, the first at Offset, a multiple of the page size; the child can read it and never
	// write to it. What it copies may be torn, as shards are ticked meanwhile.
	File   *os.File
	Offset uint64
	// Snapshot, when given, is used in place of File: the bytes of shards as they were between two ticks.
	Snapshot [][]byte
	// StateSize is the size of a shard in bytes, Stride the distance between two in File, Shards their number.
	StateSize uint64
	Stride    uint64
	Shards    int
	// Fields is the field table of the code that runs, nil if it has none. A candidate with another one means something
	// else by the same bytes and is tried on fresh shards. (Layouts from debug information the caller compares.)
	Fields []abi.Field
	// Unlike says that the candidate means something else by these bytes, whatever its field table says.
	Unlike bool
	// Migrate says that a candidate which means something else by these bytes will take them over by its own migrate, if
	// it has one. Then that is tried too, with Revision as the number of this layout.
	Migrate  bool
	Revision int32
	// Addresses says whether the state can be copied.
	Addresses Addresses
}

const (
	maxShards = 16
	// copyLimit bounds what is copied. A shard above it is mapped copy-on-write instead, alone.
	copyLimit = 1 << 20
	// shardAlign is the alignment of a shard, as in the host.
	shardAlign = 64
)

// meaning identifies what a field table says about the bytes of a state.
func meaning(fields []abi.Field) [sha256.Size]byte {
	var e encoder
	for _, f := range fields {
		e.text(f.Name)
		for _, v := range []uint32{f.Type, f.Offset, f.Count} { // flags are for display
			e.number(uint64(v))
		}
	}
	return sha256.Sum256(e.b)
}

// tried returns how many of so many shards are tried, of 1 byte or more each.
func tried(shards int, size uint64) int {
	return int(min(uint64(max(shards, 1)), max(copyLimit/size, 1), maxShards))
}
