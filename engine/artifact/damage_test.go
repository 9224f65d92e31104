package artifact

import (
	"bytes"
	"math/rand/v2"
)

// span is a part of a file.
type span struct{ offset, size uint64 }

// damage returns a copy of whole with one to three bytes of the part changed, the same ones for the same seed.
func damage(whole []byte, part span, seed uint64) []byte {
	damaged := bytes.Clone(whole)
	if part.size == 0 {
		return damaged
	}
	rng := rand.New(rand.NewPCG(seed, part.offset))
	for range 1 + rng.IntN(3) {
		at := part.offset + rng.Uint64N(part.size)
		switch rng.IntN(4) {
		case 0:
			damaged[at] = []byte{0, 1, 0x80, 0xff}[rng.IntN(4)]
		case 1:
			damaged[at] += byte(rng.IntN(17)) - 8
		default:
			damaged[at] = byte(rng.Uint32())
		}
	}
	return damaged
}
