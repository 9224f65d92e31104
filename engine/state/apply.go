package state

import (
	"fmt"
	"math"
)

// An op is how one element becomes another.
type op uint8

const (
	opCopy    op = iota + 1 // all elements at once, the strides being the sizes of both fields
	opText                  // the same, and what is longer is filled with NUL
	opInteger               // extended by its sign
	opBool                  // to 0 or 1
	opFloat                 // integer to float
	opWiden                 // f32 to f64
	opEach                  // inner steps on each element
)

// A step converts one field.
type step struct {
	op                   op
	fromKind, toKind     Kind
	fromBit, fromWidth   uint8 // width 0: no bit-field
	toBit, toWidth       uint8
	from, to             uint64 // offsets
	fromStride, toStride uint64
	count                uint64
	inner                []step
}

// Apply converts one shard. dst must hold at least the new layout's size in bytes and have been prepared by the new code's
// init: fields that the old layout does not have, and the further elements of arrays that are longer now, stay as they
// are in dst. Text apart: the rest of a longer char array becomes NUL, or what init wrote there would be read as the end
// of the old text. src must hold the old layout's size and not overlap dst. Apply allocates nothing; it panics if a slice
// is too short.
func (c *Conversion) Apply(dst, src []byte) {
	if uint64(len(dst)) < c.to || uint64(len(src)) < c.from {
		panic(fmt.Sprintf("state: conversion of %d to %d bytes applied to slices of %d and %d",
			c.from, c.to, len(src), len(dst)))
	}
	applySteps(c.steps, dst, src)
}

func applySteps(steps []step, dst, src []byte) {
	for i := range steps {
		s := &steps[i]
		s.apply(dst[s.to:], src[s.from:])
	}
}

// apply converts the field whose bytes both slices start with.
func (s *step) apply(dst, src []byte) {
	switch s.op {
	case opCopy:
		copy(dst, src[:s.fromStride])
		return
	case opText:
		clear(dst[copy(dst, src[:s.fromStride]):s.toStride])
		return
	}
	for i := uint64(0); i < s.count; i++ {
		d, b := dst[i*s.toStride:], src[i*s.fromStride:]
		switch s.op {
		case opEach:
			applySteps(s.inner, d, b)
		case opInteger:
			s.store(d, s.load(b))
		case opBool:
			v := uint64(0)
			if s.load(b) != 0 {
				v = 1
			}
			s.store(d, v)
		case opFloat:
			s.storeFloat(d, s.load(b))
		case opWiden:
			storeInteger(F64, d, math.Float64bits(float64(math.Float32frombits(uint32(loadInteger(F32, b))))))
		}
	}
}

// load returns an integer or a boolean extended to 64 bits.
func (s *step) load(b []byte) uint64 {
	if s.fromWidth != 0 {
		return loadBits(b, s.fromBit, s.fromWidth, s.fromKind.Signed())
	}
	return loadInteger(s.fromKind, b)
}

func (s *step) store(b []byte, v uint64) {
	if s.toWidth != 0 {
		storeBits(b, s.toBit, s.toWidth, v)
		return
	}
	storeInteger(s.toKind, b, v)
}

// storeFloat writes the integer v, of the step's signedness, as a float.
func (s *step) storeFloat(b []byte, v uint64) {
	f := float64(v)
	if s.fromKind.Signed() {
		f = float64(int64(v))
	}
	if s.toKind == F32 {
		storeInteger(F32, b, uint64(math.Float32bits(float32(f))))
		return
	}
	storeInteger(F64, b, math.Float64bits(f))
}
