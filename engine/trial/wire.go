package trial

import (
	"encoding/binary"
	"errors"
	"math"
)

// maxMessage bounds a message in bytes; it is less than what a socket takes in one piece.
const maxMessage = 64 << 10

// encoder writes a message: numbers as varints, text with its length before it.
type encoder struct{ b []byte }

func (e *encoder) number(v uint64) { e.b = binary.AppendUvarint(e.b, v) }

func (e *encoder) flag(v bool) {
	if v {
		e.number(1)
	} else {
		e.number(0)
	}
}

func (e *encoder) float(v float64) { e.number(math.Float64bits(v)) }

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	e.b = append(e.b, s...)
}

var errMessage = errors.New("malformed message")

// decoder reads what encoder wrote. After the first error all it returns is zero; done tells.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) number(most uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > most {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) flag() bool { return d.number(1) == 1 }

func (d *decoder) float() float64 { return math.Float64frombits(d.number(math.MaxUint64)) }

func (d *decoder) text() string {
	n := d.number(maxMessage)
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

// done reports a message that was too short, too long or out of range.
func (d *decoder) done() error {
	if d.bad || len(d.b) != 0 {
		return errMessage
	}
	return nil
}
