package workers

import "sync/atomic"

// step is a directive's link in the chain of all directives. Workers keep their own place in the chain, rather than take
// what epoch.Participant returns for all there is: a participant that has just joined is given the newest generation of
// its tick, and its shards may not have met those before.
type step[C comparable] struct {
	Directive[C]
	number   uint64       // in the order of publication
	origin   bool         // before the first directive: there is no code to switch from
	handover *handover[C] // when the directive is a change of the number of workers
	// next is nil for the newest. The store, under Pool.mu, precedes the publication of the directive that it leads to:
	// who has seen that directive finds its way there.
	next atomic.Pointer[step[C]]
}

// newStep returns d as a link and as the value to publish.
func newStep[C comparable](d Directive[C], h *handover[C]) *step[C] {
	s := &step[C]{Directive: d, handover: h}
	s.step = s
	return s
}

// arrive takes the shards of s from the directive before to this one.
func (to *step[C]) arrive(from *step[C], h Hand[C], s Span, tick uint64) {
	if !from.origin && from.Code != to.Code {
		h.Switch(from.Code, to.Code, s, tick)
	}
	if to.Arrive != nil {
		to.Arrive(h, s, tick)
	}
}
