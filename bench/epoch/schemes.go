package main

import (
	"sync"
	"sync/atomic"

	"hotreload/epoch"

	"github.com/puzpuzpuz/xsync/v4"
)

// value is what readers read; writers replace it.
type value struct{ n int }

// scheme is one way to read a value that is replaced now and then.
type scheme struct {
	name string
	make func() (reader func() loop, write func())
}

// loop reads n times, adds up what it read, and so keeps the compiler honest.
type loop func(n int) int

const line = 128

// padded keeps a word from sharing cache lines with anything.
type padded[T any] struct {
	_ [line]byte
	v T
	_ [line]byte
}

var schemes = []scheme{
	{"atomic.Pointer load", func() (func() loop, func()) {
		p := new(padded[atomic.Pointer[value]])
		p.v.Store(new(value))
		return func() loop {
			return func(n int) (sum int) {
				for range n {
					sum += p.v.Load().n
				}
				return sum
			}
		}, func() { p.v.Store(new(value)) }
	}},
	{"load + own atomic store", func() (func() loop, func()) {
		p := new(padded[atomic.Pointer[value]])
		p.v.Store(new(value))
		return func() loop {
			own := new(padded[atomic.Uint64])
			return func(n int) (sum int) {
				for i := range n {
					sum += p.v.Load().n
					own.v.Store(uint64(i))
				}
				return sum
			}
		}, func() { p.v.Store(new(value)) }
	}},
	{"epoch Begin", func() (func() loop, func()) {
		d := epoch.New(epoch.Immediate, new(value))
		return func() loop {
			p := d.Join(0, 0)
			return func(n int) (sum int) {
				for range n {
					sum += p.Begin().Value.n
				}
				for g := p.Begin(); g != p.Begin(); g = p.Begin() {
				}
				p.End()
				return sum
			}
		}, func() { d.Publish(new(value)) }
	}},
	{"epoch Begin + End", ticks(epoch.Immediate)},
	{"epoch, aligned", ticks(epoch.Aligned)},
	{"reference count", func() (func() loop, func()) {
		type counted struct {
			value
			refs padded[atomic.Int64]
		}
		p := new(padded[atomic.Pointer[counted]])
		p.v.Store(new(counted))
		return func() loop {
			return func(n int) (sum int) {
				for range n {
					c := p.v.Load()
					for c.refs.v.Add(1); c != p.v.Load(); c.refs.v.Add(1) {
						c.refs.v.Add(-1)
						c = p.v.Load()
					}
					sum += c.n
					c.refs.v.Add(-1)
				}
				return sum
			}
		}, func() { p.v.Store(new(counted)) }
	}},
	{"sync.Mutex", func() (func() loop, func()) {
		mu, v := new(padded[sync.Mutex]), new(value)
		return func() loop {
				return func(n int) (sum int) {
					for range n {
						mu.v.Lock()
						sum += v.n
						mu.v.Unlock()
					}
					return sum
				}
			}, func() {
				mu.v.Lock()
				v = new(value)
				mu.v.Unlock()
			}
	}},
	{"sync.RWMutex", func() (func() loop, func()) {
		mu, v := new(padded[sync.RWMutex]), new(value)
		return func() loop {
				return func(n int) (sum int) {
					for range n {
						mu.v.RLock()
						sum += v.n
						mu.v.RUnlock()
					}
					return sum
				}
			}, func() {
				mu.v.Lock()
				v = new(value)
				mu.v.Unlock()
			}
	}},
	{"xsync.RBMutex", func() (func() loop, func()) {
		mu, v := xsync.NewRBMutex(), new(value)
		return func() loop {
				return func(n int) (sum int) {
					for range n {
						token := mu.RLock()
						sum += v.n
						mu.RUnlock(token)
					}
					return sum
				}
			}, func() {
				mu.Lock()
				v = new(value)
				mu.Unlock()
			}
	}},
}

// ticks reads once in each tick, and meets what is published in order, as a worker does.
func ticks(mode epoch.Mode) func() (func() loop, func()) {
	return func() (func() loop, func()) {
		d := epoch.New(mode, new(value))
		return func() loop {
			p := d.Join(0, 0)
			return func(n int) (sum int) {
				held := p.Begin()
				for range n {
					g := p.Begin()
					for g != held {
						held, g = g, p.Begin()
					}
					sum += g.Value.n
					p.End()
				}
				return sum
			}
		}, func() { d.Publish(new(value)) }
	}
}
