package state

import "encoding/binary"

// The plugin's processor is the host's, and both targets (amd64, arm64) are little-endian.

// loadInteger returns the integer at the start of b, extended to 64 bits by its sign. b must hold k.Size() bytes.
func loadInteger(k Kind, b []byte) uint64 {
	switch k {
	case I8:
		return uint64(int64(int8(b[0])))
	case I16:
		return uint64(int64(int16(binary.LittleEndian.Uint16(b))))
	case I32:
		return uint64(int64(int32(binary.LittleEndian.Uint32(b))))
	case U16:
		return uint64(binary.LittleEndian.Uint16(b))
	case U32, F32:
		return uint64(binary.LittleEndian.Uint32(b))
	case I64, U64, F64, Pointer:
		return binary.LittleEndian.Uint64(b)
	}
	return uint64(b[0])
}

// storeInteger writes the low bytes of v, as many as k has.
func storeInteger(k Kind, b []byte, v uint64) {
	switch k.Size() {
	case 1:
		b[0] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	case 8:
		binary.LittleEndian.PutUint64(b, v)
	}
}

// loadBits returns the bit-field of the given width that starts at a bit of b[0], extended to 64 bits by its sign if it
// is signed.
func loadBits(b []byte, bit, width uint8, signed bool) uint64 {
	var v uint64
	for i := uint8(0); i < width; {
		at := bit + i
		n := min(8-at%8, width-i)
		v |= (uint64(b[at/8]>>(at%8)) & (1<<n - 1)) << i
		i += n
	}
	if signed && width < 64 && v>>(width-1) != 0 {
		v |= ^uint64(0) << width
	}
	return v
}

// storeBits writes the low bits of v as a bit-field and leaves the bits around it.
func storeBits(b []byte, bit, width uint8, v uint64) {
	for i := uint8(0); i < width; {
		at := bit + i
		n := min(8-at%8, width-i)
		mask := byte((1<<n - 1) << (at % 8))
		b[at/8] = b[at/8]&^mask | byte(v>>i<<(at%8))&mask
		i += n
	}
}
