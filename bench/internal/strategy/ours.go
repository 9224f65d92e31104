package strategy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotreload/engine/abi"
	"hotreload/engine/native"
	"hotreload/epoch"
	"hotreload/workers"
)

// publication swaps as the engine does.
type publication struct {
	*simulation
	current *code
}

// publicationHand ticks with the code that its worker has met.
type publicationHand struct{ *base }

// Tick implements workers.Hand.
func (h publicationHand) Tick(c *code, s workers.Span, tick uint64) { h.run(c, s, tick) }

func ours(mode epoch.Mode) func(Load, string, func(int) Meter) (Run, error) {
	return func(l Load, path string, meter func(int) Meter) (Run, error) {
		first, err := open(path)
		if err != nil {
			return nil, err
		}
		s, err := newSimulation(l, mode, first, meter, func(b *base) workers.Hand[*code] { return publicationHand{b} })
		if err != nil {
			return nil, errors.Join(err, closeVerified(first, l.Known))
		}
		return &publication{s, first}, nil
	}
}

// Swap implements Run.
func (p *publication) Swap(path string) (Swapped, error) {
	start := time.Now()
	next, err := open(path)
	if err != nil {
		return Swapped{}, err
	}
	prepared := time.Now()
	old, _ := p.pool.Replace(workers.Directive[*code]{Code: next, Light: true})
	published := time.Now()
	if err := p.pool.Retire(old, 1).Wait(context.Background()); err != nil {
		return Swapped{}, err
	}
	passed := time.Now()
	err = closeVerified(p.current, p.load.Known)
	p.current = next
	return Swapped{
		Prepare: prepared.Sub(start), Publish: published.Sub(prepared), Grace: passed.Sub(published), Reclaim: time.Since(passed),
	}, err
}

// Stop implements Run.
func (p *publication) Stop() error {
	return errors.Join(p.stop(p.current), closeVerified(p.current, p.load.Known))
}

func open(path string) (*code, error) {
	library, err := native.Open(path)
	if err != nil {
		return nil, err
	}
	library.Prefault()
	get, err := library.Symbol("logic_get_api")
	if err != nil {
		return nil, err
	}
	thread := native.NewThread()
	defer thread.Release()
	at, fault := thread.Get(library, get)
	if fault != nil {
		return nil, fmt.Errorf("logic_get_api: %w", fault)
	}
	api, err := abi.Read(library.Image(), at)
	return &code{library: library, api: api}, err
}

// closeVerified closes the library. A known one must go; others may have what keeps them.
func closeVerified(c *code, known bool) error {
	pinned, err := c.library.Close()
	if err == nil && pinned && known {
		err = fmt.Errorf("%s stays mapped", c.library.Path())
	}
	return err
}
