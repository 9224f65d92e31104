package trial

import (
	"fmt"
	"math"
	"strings"

	"hotreload/engine/abi"
)

// answer is what the child sends when it has come to an end: exactly one of failure and mismatch is set, or neither
// when the candidate has passed.
type answer struct {
	failure  *failure
	mismatch *abi.Mismatch

	ticks, shards int
	fresh         bool
	warnings      []Warning
}

// failure is what went wrong, as the child sees it. It is an error inside the child.
type failure struct {
	stage Stage
	cause string // with site, without the place
	hint  string
	site  *site // of a fault; nil for all else
}

// Error implements error.
func (f *failure) Error() string { return fmt.Sprintf("%s: %s", f.stage, f.cause) }

// site is where a fault happened.
type site struct {
	inside bool   // the library itself
	offset uint64 // inside: address relative to the load base; else offset in module
	module string // base name of another file; "" for memory that belongs to no file
}

const maxWarnings = 64

func (a *answer) encode() []byte {
	var e encoder
	e.flag(a.failure != nil)
	if f := a.failure; f != nil {
		e.text(string(f.stage))
		e.text(brief(f.cause))
		e.text(brief(f.hint))
		e.flag(f.site != nil)
		if f.site != nil {
			e.flag(f.site.inside)
			e.number(f.site.offset)
			e.text(brief(f.site.module))
		}
	}
	e.flag(a.mismatch != nil)
	if m := a.mismatch; m != nil {
		for _, s := range []string{m.Field, m.Expected, m.Actual, m.Hint} {
			e.text(brief(s))
		}
	}
	e.number(uint64(a.ticks))
	e.number(uint64(a.shards))
	e.flag(a.fresh)
	e.number(uint64(len(a.warnings)))
	for _, w := range a.warnings {
		e.text(w.Code)
		e.text(brief(w.Text))
	}
	return e.b
}

func decodeAnswer(message []byte) (*answer, error) {
	d, a := decoder{b: message}, &answer{}
	if d.flag() {
		a.failure = &failure{stage: Stage(d.text()), cause: d.text(), hint: d.text()}
		if d.flag() {
			a.failure.site = &site{inside: d.flag(), offset: d.number(math.MaxUint64), module: d.text()}
		}
	}
	if d.flag() {
		a.mismatch = &abi.Mismatch{Field: d.text(), Expected: d.text(), Actual: d.text(), Hint: d.text()}
	}
	a.ticks, a.shards, a.fresh = int(d.number(maxTicks)), int(d.number(maxShards)), d.flag()
	for range d.number(maxWarnings) {
		a.warnings = append(a.warnings, Warning{Code: d.text(), Text: d.text()})
	}
	if err := d.done(); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return a, nil
}

// brief bounds a text that a library had a part in, so that the whole fits into one message.
func brief(s string) string {
	const most = 512
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
