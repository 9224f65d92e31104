package state

import (
	"errors"
	"fmt"
	"strings"
)

// ErrUndescribed says that there is nothing to convert by: of one of the layouts only the size is known, or what the
// source text says, which is not relied on.
var ErrUndescribed = errors.New("the fields of the state are not known; build with -g or export a field table")

// A Refusal says why one field cannot be converted without loss.
type Refusal struct {
	Name               string
	Running, Candidate string // "f64@8"
	Reason             string
}

// A ConversionError lists the fields that stand in the way of a conversion.
type ConversionError struct {
	Refusals []Refusal
}

// Error names the fields with their reasons, of many the first.
func (e *ConversionError) Error() string {
	const most = 3
	var b strings.Builder
	b.WriteString("the state cannot be converted without loss")
	for i, r := range e.Refusals {
		if i == most {
			fmt.Fprintf(&b, "; and %d more", len(e.Refusals)-most)
			break
		}
		fmt.Fprintf(&b, "; %s (%s to %s): %s", r.Name, r.Running, r.Candidate, r.Reason)
	}
	return b.String()
}

// Reasons returns the reasons by field name.
func (e *ConversionError) Reasons() map[string]string {
	reasons := make(map[string]string, len(e.Refusals))
	for _, r := range e.Refusals {
		reasons[r.Name] = r.Reason
	}
	return reasons
}

// A Conversion turns the bytes of a shard from one layout into another, by field name and without loss. It is immutable
// and may be used by several goroutines at once, each on its own shard.
type Conversion struct {
	// Added are the fields that only the new layout has. The conversion leaves them as they are in the destination.
	Added []string
	// Dropped are the fields that only the old layout has. Their content ends with the old code.
	Dropped []string

	from, to   uint64 // sizes
	steps      []step
	reversible bool
}

// Plan works out the conversion of a shard from one layout to another. A field is kept if the new layout has one of the
// same name. What converts without loss: the same kind; integers to wider ones of the same sign, and unsigned to wider
// signed; integers to a float that holds all their values exactly; f32 to f64; bool to an integer; arrays to longer
// ones; arrays of structs element by element. Everything else is a *ConversionError that names each field and its
// reason: narrower or re-signed numbers, shorter arrays, opaque bytes of other content, and every pointer, since it may
// lead into the state itself, which moves.
//
// Bytes that a field table leaves out cannot be padding if they are as many as the next field's alignment; then there are
// fields nobody listed, and converting would lose them. That is refused too, on either side.
func Plan(from, to *Layout) (*Conversion, error) {
	if !from.describesFields() || !to.describesFields() {
		return nil, ErrUndescribed
	}
	p := &planner{}
	p.refuseUnlisted("running", from)
	p.refuseUnlisted("candidate", to)
	steps := p.steps("", from, to)
	if len(p.refusals) > 0 {
		return nil, &ConversionError{p.refusals}
	}
	return &Conversion{
		Added: p.added, Dropped: p.dropped,
		from: from.Size, to: to.Size, steps: steps, reversible: !p.changed && len(p.dropped) == 0,
	}, nil
}

// Reversible reports whether the way back exists: nothing was dropped and every kept field holds the same kind and number
// of elements on both sides, so that whatever the new code writes into them, the old code could have written.
func (c *Conversion) Reversible() bool { return c.reversible }

// A planner collects the outcome for all fields.
type planner struct {
	added, dropped []string
	refusals       []Refusal
	changed        bool // a field is kept in another form
}

// steps plans one level: the state, or an element of an array of structs.
func (p *planner) steps(prefix string, from, to *Layout) []step {
	var steps []step
	old := byName(from)
	for _, g := range to.Fields {
		f, kept := old[g.Name]
		if !kept {
			if f, ok := enclosing(g, old); ok {
				p.refusals = append(p.refusals, Refusal{prefix + g.Name, f.describe(), g.describe(), dividedReason})
			}
			p.added = append(p.added, prefix+g.Name)
			continue
		}
		s, reason := p.convert(prefix, f, g)
		if reason != "" {
			p.refusals = append(p.refusals, Refusal{prefix + g.Name, f.describe(), g.describe(), reason})
			continue
		}
		steps = append(steps, s)
	}
	kept := byName(to)
	for _, f := range from.Fields {
		if _, ok := kept[f.Name]; ok {
			continue
		}
		if g, ok := enclosing(f, kept); ok {
			p.refusals = append(p.refusals, Refusal{prefix + f.Name, f.describe(), g.describe(), dividedReason})
		}
		p.dropped = append(p.dropped, prefix+f.Name)
	}
	return steps
}

const dividedReason = "one side has its members as fields, the other has it as a whole"

// enclosing returns the field that f would be a member of: pos for pos.x. A table may call a struct bytes where debug
// information names its members; as neither name is on both sides, its content would be dropped without a word.
func enclosing(f Field, fields map[string]Field) (Field, bool) {
	for name := f.Name; ; {
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			return Field{}, false
		}
		name = name[:dot]
		if whole, ok := fields[name]; ok {
			return whole, true
		}
	}
}

// convert plans one field, or says why there is no way.
func (p *planner) convert(prefix string, f, g Field) (step, string) {
	s := step{
		from: f.Offset, to: g.Offset, count: f.Count,
		fromStride: f.stride(), toStride: g.stride(),
		fromKind: f.Kind, toKind: g.Kind,
		fromBit: f.BitOffset, fromWidth: f.BitSize, toBit: g.BitOffset, toWidth: g.BitSize,
	}
	switch {
	case (f.Element == nil) != (g.Element == nil):
		return s, "an array of structs is on one side only"
	case f.Element != nil:
		if g.Count < f.Count {
			return s, fmt.Sprintf("the array would lose %d elements", f.Count-g.Count)
		}
		p.changed = p.changed || g.Count != f.Count
		s.op = opEach
		s.inner = p.steps(prefix+f.Name+"[].", f.Element, g.Element)
		return s, ""
	case f.pointers || g.pointers:
		return s, "it holds addresses, which may lead into the state itself"
	}
	op, reason := operation(f, g)
	if reason != "" {
		return s, reason
	}
	s.op = op
	p.changed = p.changed || f.Kind != g.Kind || f.Count != g.Count || f.width() != g.width()
	if op == opCopy || op == opText {
		s.fromStride, s.toStride = f.Size, g.Size
	}
	return s, ""
}

// width returns the bits of one element.
func (f Field) width() uint64 {
	if f.BitSize != 0 {
		return uint64(f.BitSize)
	}
	return f.Kind.Size() * 8
}

// operation decides how an element of f becomes one of g, neither being a struct or holding addresses.
func operation(f, g Field) (op, string) {
	bitFields := f.BitSize != 0 || g.BitSize != 0
	switch {
	case f.Kind == Bytes || g.Kind == Bytes:
		if f.Kind != g.Kind || f.Size != g.Size || f.content != g.content {
			return 0, "opaque bytes convert only to the same bytes"
		}
		return opCopy, ""
	case g.Count < f.Count:
		return 0, fmt.Sprintf("the array would lose %d elements", f.Count-g.Count)
	case f.Kind == Char && g.Kind == Char:
		return opText, ""
	case f.Kind == g.Kind && !bitFields:
		return opCopy, ""
	case f.Kind == Bool && (g.Kind == Bool || g.Kind.Integer()):
		if signedOneBit := g.Kind.Signed() && g.width() == 1; signedOneBit {
			return 0, "true does not fit"
		}
		return opBool, ""
	case f.Kind.Integer() && g.Kind.Integer():
		if reason := narrower(f, g); reason != "" {
			return 0, reason
		}
		return opInteger, ""
	case f.Kind.Integer() && g.Kind.Float():
		mantissa := uint64(53)
		if g.Kind == F32 {
			mantissa = 24
		}
		if f.Kind.Signed() {
			mantissa++ // the float has a sign of its own
		}
		if f.width() > mantissa {
			return 0, fmt.Sprintf("%s holds %d of its %d bits exactly", g.Kind, mantissa, f.width())
		}
		return opFloat, ""
	case f.Kind == F32 && g.Kind == F64:
		return opWiden, ""
	case f.Kind == F64 && g.Kind == F32:
		return 0, "digits would be lost"
	}
	return 0, fmt.Sprintf("%s does not become %s without a migrate function", f.Kind, g.Kind)
}

// narrower says why integers of f do not fit into g, or nothing.
func narrower(f, g Field) string {
	switch {
	case f.Kind.Signed() && !g.Kind.Signed():
		return "negative numbers would be lost"
	case g.width() < f.width():
		return fmt.Sprintf("%d bits do not fit into %d", f.width(), g.width())
	case !f.Kind.Signed() && g.Kind.Signed() && g.width() == f.width():
		return "large numbers would become negative"
	}
	return ""
}

// refuseUnlisted refuses bytes in no field of a table that alignment does not account for. Debug information leaves
// nothing out.
func (p *planner) refuseUnlisted(side string, l *Layout) {
	if l.Source != SourceTable {
		return
	}
	next := make(map[uint64]Field, len(l.Fields))
	tail := l.Align
	for _, f := range l.Fields {
		next[f.Offset] = f
		tail = max(tail, guessedAlignment(f))
	}
	for _, gap := range l.gaps() {
		align := tail
		if f, ok := next[gap.to]; ok {
			align = guessedAlignment(f)
		}
		if gap.to-gap.from >= align {
			r := Refusal{"(unlisted)", "unknown", "unknown", "the " + side + " field table leaves out bytes that are no padding"}
			where := fmt.Sprintf("bytes[%d]@%d", gap.to-gap.from, gap.from)
			if side == "running" {
				r.Running = where
			} else {
				r.Candidate = where
			}
			p.refusals = append(p.refusals, r)
		}
	}
}

// guessedAlignment returns the largest alignment a field may have; that of opaque bytes shows in their offset.
func guessedAlignment(f Field) uint64 {
	const most = 16 // long double, vectors
	if !f.opaque() {
		return f.alignment()
	}
	if f.Offset == 0 {
		return most
	}
	return min(most, f.Offset&-f.Offset)
}
