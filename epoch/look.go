package epoch

// Look returns, for a parked participant, the next generation that is active at the tick it has not begun, as Begin
// does, without beginning that tick: the participant stays parked, so publications go on counting it as one that can
// still run the tick on what they publish. It is for who waits a long time between two ticks, or for ever, and wants to
// meet what is published meanwhile; call it until it returns the same generation twice, and again after each wake-up.
//
// What Look returns for the first time stays valid until End, Park or Close, as with Begin; what the participant had met
// before is not made valid by Look. A generation whose activation is still undecided is not active to Look, and no floor
// is raised for it: its publisher must wake the participant after Publish has returned.
//
// Look panics when the participant is not parked or has left.
func (p *Participant[T]) Look() *Generation[T] {
	switch {
	case p.closed:
		panic("epoch: Look after Close")
	case p.word.Load()&parked == 0:
		panic("epoch: Look of a participant that is not parked")
	}
	tick, first := p.Tick(), p.met.Load() == 0
	// Before current: a scan that misses this store has seen its publication stored, and then this load sees it too.
	// Pairs with the load in need.
	looked, held := p.looked.Load(), p.held
	p.looked.Store(tick + 1)
	newest := p.current.Load()
	for p.held != newest {
		// Not nil, as in arrive.
		next := p.held.next.Load()
		if a := next.activation.Load(); a&sealed == 0 || a&^sealed > tick {
			break
		}
		p.held = next
		if !first {
			break
		}
	}
	if p.held == held && !first {
		p.looked.Store(looked) // there was nothing new
	}
	p.met.Store(p.held.epoch) // after the last link was read; pairs with the load in forget
	return p.held
}

// EndPark is End and Park in one step, for the last tick before a wait: there is no moment at which a publisher could
// take the next tick for one that runs. It panics as they do.
func (p *Participant[T]) EndPark() {
	word := p.word.Load()
	switch {
	case p.closed:
		panic("epoch: EndPark after Close")
	case word&parked != 0:
		panic("epoch: EndPark without Begin")
	}
	p.fast = nil
	p.word.Store((word + 1) | parked)
	// Store, then load: as in End.
	if p.wanted.Load() != nobody {
		p.tell()
	}
}
