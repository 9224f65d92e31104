package epoch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotreload/epoch"

	"golang.org/x/sync/errgroup"
)

// payload is what the stress test publishes. It is written when it is reclaimed and read by whoever uses it, neither
// with synchronisation of its own: the race detector sees a grace period that orders nothing.
type payload struct{ poisoned bool }

// stress is one run: participants that check what they are given, publishers, and waiters of three kinds.
type stress struct {
	domain *epoch.Domain[*payload]
	ticks  uint64 // of probation
	quiet  atomic.Bool
	stop   atomic.Bool

	mu    sync.Mutex // serialises publish and retire, so that each generation is retired once
	flood chan *pending

	ran [1 << 12]atomic.Uint64 // aligned mode: by tick, tick<<24|epoch of who ran it first

	count struct {
		ticks, met, parks, abandoned, stalls, leaves, leavesInTick, refused, yields, leads  atomic.Int64
		looked, endParks                                                                    atomic.Int64
		publications, waits, polls, reclaimed, compared, changed, most, cancelled, observed atomic.Int64
	}
}

// pending is a grace period and what it guards.
type pending struct {
	grace *epoch.Grace[*payload]
	what  *payload
}

func (s *stress) reclaim(p *pending) {
	p.what.poisoned = true
	s.count.reclaimed.Add(1)
}

var errPoisoned = errors.New("used after it was reclaimed")

// lead is how many ticks a participant may be ahead of the slowest: well within ran.
const lead = 256

// participate runs ticks until stop, leaving and joining again at times.
func (s *stress) participate(id int, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, uint64(id)))
	p := s.rejoin(id, 0)
	defer func() {
		if p != nil {
			p.Close()
		}
	}()
	var held *epoch.Generation[*payload]
	for !s.stop.Load() {
		s.follow(p)
		// Begin.
		for {
			g := p.Begin()
			if g.Value.poisoned {
				return fmt.Errorf("participant %d, tick %d: Begin returned epoch %d, %w", id, p.Tick(), g.Epoch(), errPoisoned)
			}
			if g == held {
				break
			}
			if held != nil {
				if g.Epoch() != held.Epoch()+1 {
					return fmt.Errorf("participant %d met epoch %d after %d", id, g.Epoch(), held.Epoch())
				}
				if s.ticks > 0 && held.Value.poisoned {
					return fmt.Errorf("participant %d, tick %d: on arrival at epoch %d, its predecessor was %w", id, p.Tick(), g.Epoch(), errPoisoned)
				}
			}
			held = g
			s.count.met.Add(1)
		}
		if rng.IntN(64) == 0 {
			p.Park() // the tick has not run
			s.count.abandoned.Add(1)
			if rng.IntN(4) > 0 {
				continue
			}
			for wait := 0; wait < 8 && s.domain.Current() == held; wait++ {
				runtime.Gosched()
			}
			g, err := s.look(p, held)
			if err != nil {
				return err
			}
			held = g
			continue
		}
		// The tick.
		if err := s.align(p.Tick(), held.Epoch()); err != nil {
			return err
		}
		switch rng.IntN(4096) {
		case 0:
			for range 100 {
				runtime.Gosched()
			}
			s.count.stalls.Add(1)
		case 1, 2, 3, 4:
			p.Close() // as a panic in the tick would
			s.count.leavesInTick.Add(1)
			p, held = s.rejoin(id, p.Tick()), nil
			continue
		}
		if held.Value.poisoned {
			return fmt.Errorf("participant %d, tick %d: epoch %d in a tick, %w", id, p.Tick(), held.Epoch(), errPoisoned)
		}
		s.count.ticks.Add(1)
		if rng.IntN(128) == 0 {
			p.EndPark()
			s.count.endParks.Add(1)
			continue
		}
		p.End()
		switch rng.IntN(1024) {
		case 0, 1, 2, 3, 4, 5, 6, 7:
			p.Park()
			runtime.Gosched()
			s.count.parks.Add(1)
		case 8:
			p.Park()
			p.Close()
			s.count.leaves.Add(1)
			p, held = s.rejoin(id, p.Tick()), nil
		case 9:
			runtime.Gosched()
			s.count.yields.Add(1)
		}
	}
	return nil
}

// look meets what is published while p is parked.
func (s *stress) look(p *epoch.Participant[*payload], held *epoch.Generation[*payload]) (*epoch.Generation[*payload], error) {
	for {
		g := p.Look()
		if g == held {
			return g, nil
		}
		for range 4 {
			runtime.Gosched()
		}
		if g.Epoch() != held.Epoch()+1 || g.Value.poisoned || s.ticks > 0 && held.Value.poisoned {
			return g, fmt.Errorf("before tick %d: Look returned epoch %d after %d, one of them %w or left out",
				p.Tick(), g.Epoch(), held.Epoch(), errPoisoned)
		}
		held = g
		s.count.looked.Add(1)
	}
}

// follow keeps p within lead of the slowest.
func (s *stress) follow(p *epoch.Participant[*payload]) {
	if p.Tick()%(lead/2) != 0 {
		return
	}
	for p.Tick() > s.domain.Slowest()+lead && !s.stop.Load() {
		s.count.leads.Add(1)
		p.Park()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		_ = s.domain.Reach(ctx, p.Tick()-lead) // the loop looks again
		cancel()
	}
}

// align checks that every participant that runs tick runs the same generation.
func (s *stress) align(tick, running uint64) error {
	if s.domain.Mode() != epoch.Aligned {
		return nil
	}
	at := &s.ran[tick%uint64(len(s.ran))]
	for {
		switch was := at.Load(); {
		case was>>24 == tick+1 && was&(1<<24-1) != running&(1<<24-1):
			return fmt.Errorf("tick %d ran on epoch %d and on epoch %d", tick, was&(1<<24-1), running)
		case was>>24 == tick+1:
			s.count.compared.Add(1)
			return nil
		case was>>24 > tick+1:
			return nil
		case at.CompareAndSwap(was, (tick+1)<<24|running&(1<<24-1)):
			if before := s.ran[(tick-1)%uint64(len(s.ran))].Load(); before>>24 == tick && before&(1<<24-1) != running&(1<<24-1) {
				s.count.changed.Add(1)
			}
			return nil
		}
	}
}

// rejoin joins at tick, or when that is refused after the fastest.
func (s *stress) rejoin(id int, tick uint64) *epoch.Participant[*payload] {
	for {
		p, err := join(s.domain, id, tick)
		if err == nil {
			return p
		}
		s.count.refused.Add(1)
		tick = s.domain.Stats().Fastest + 1
	}
}

// publish replaces the newest generation and begins the grace period of the one before.
func (s *stress) publish() *pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.domain.Current()
	s.domain.Publish(new(payload))
	s.count.publications.Add(1)
	return &pending{s.domain.Retire(old, s.ticks), old.Value}
}

// update publishes as fast as it can and sees to the reclamation in three ways.
func (s *stress) update(seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 1))
	for !s.quiet.Load() {
		p := s.publish()
		switch rng.IntN(8) {
		case 0: // waits itself
			if err := s.wait(p); err != nil {
				return err
			}
			s.reclaim(p)
		case 1: // gives up at once, then waits with another goroutine
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if p.grace.Wait(ctx) != nil {
				s.count.cancelled.Add(1)
			}
			both := errgroup.Group{}
			both.Go(func() error { return s.wait(p) })
			both.Go(func() error { return s.wait(p) })
			if err := both.Wait(); err != nil {
				return err
			}
			s.reclaim(p)
		default: // leaves it to collect
			s.flood <- p
		}
	}
	return nil
}

// wait fails when a grace period takes unreasonably long.
func (s *stress) wait(p *pending) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.count.waits.Add(1)
	err := p.grace.Wait(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("nobody woke the waiter, who sleeps on: %w", errors.Join(err, ctx.Err()))
	}
	return err
}

// collect polls all grace periods that are pending, hundreds of them when publishers are quick.
func (s *stress) collect() error {
	var list []*pending
	for open := true; open || len(list) > 0; {
		for more := open; more; {
			select {
			case p, ok := <-s.flood:
				if open = ok; ok {
					list = append(list, p)
				}
				more = ok
			default:
				more = false
			}
		}
		s.count.most.Store(max(s.count.most.Load(), int64(len(list))))
		rest := list[:0]
		for _, p := range list {
			s.count.polls.Add(1)
			if p.grace.Passed() {
				s.reclaim(p)
			} else {
				rest = append(rest, p)
			}
		}
		if list = rest; len(list) > 0 {
			if err := s.wait(list[len(list)-1]); err != nil {
				return err
			}
		} else {
			runtime.Gosched()
		}
	}
	return nil
}

// observe reads what anyone may read at any time.
func (s *stress) observe() error {
	var last, lastActivation uint64
	for !s.quiet.Load() {
		g := s.domain.Current()
		activation := g.Activation()
		if g.Epoch() < last || activation < lastActivation || g.Activation() != activation {
			return fmt.Errorf("epoch %d, active from %d, seen after epoch %d, active from %d", g.Epoch(), activation, last, lastActivation)
		}
		last, lastActivation = g.Epoch(), activation
		if st := s.domain.Stats(); st.Epoch < last || st.Fastest < st.Slowest {
			return fmt.Errorf("after epoch %d: %+v", last, st)
		}
		s.count.observed.Add(1)
		runtime.Gosched()
	}
	return nil
}

func TestStress(t *testing.T) {
	for _, c := range []struct {
		mode                  epoch.Mode
		ticks                 uint64
		workers, updaters, ps int
	}{
		{epoch.Aligned, 0, 4, 2, 0},
		{epoch.Aligned, 1, 3, 1, 2},
		{epoch.Immediate, 0, 4, 2, 0},
		{epoch.Immediate, 1, 3, 1, 2},
	} {
		t.Run(fmt.Sprintf("%v after %d ticks", c.mode, c.ticks), func(t *testing.T) {
			if c.ps > 0 {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.ps))
			}
			s := &stress{domain: epoch.New(c.mode, new(payload)), ticks: c.ticks, flood: make(chan *pending, 400)}
			var publishing, collecting errgroup.Group
			working, failed := errgroup.WithContext(t.Context())
			seed := rand.Uint64()
			for w := range c.workers {
				working.Go(func() error { return s.participate(w, seed) })
			}
			for u := range c.updaters {
				publishing.Go(func() error { return s.update(seed + uint64(u)) })
			}
			publishing.Go(s.observe)
			collecting.Go(s.collect)
			start := time.Now()
			for wait := stressTime(t) / 5; wait > 0 && failed.Err() == nil; {
				select {
				case <-time.After(wait):
				case <-failed.Done():
				}
				wait = 0
				if len(s.missing()) > 0 && time.Since(start) < patience {
					wait = 10 * time.Millisecond // the machine is busy
				}
			}
			s.quiet.Store(true)
			err := publishing.Wait()
			close(s.flood)
			err = errors.Join(err, collecting.Wait())
			s.stop.Store(true)
			if err = errors.Join(working.Wait(), err); err != nil {
				t.Fatal(err)
			}
			s.report(t)
		})
	}
}

// counter is how often a path was taken.
type counter struct {
	name     string
	n        *atomic.Int64
	required bool
}

func (s *stress) counters() []counter {
	n, aligned := &s.count, s.domain.Mode() == epoch.Aligned
	return []counter{
		{"ticks", &n.ticks, true}, {"publications", &n.publications, true}, {"met", &n.met, true},
		{"reclaimed", &n.reclaimed, true}, {"parks", &n.parks, true}, {"abandoned ticks", &n.abandoned, true},
		{"stalls", &n.stalls, true}, {"leaves", &n.leaves, true}, {"leaves in a tick", &n.leavesInTick, true},
		{"joins refused", &n.refused, false}, {"waits", &n.waits, true}, {"polls", &n.polls, true},
		{"waits given up", &n.cancelled, true}, {"most pending", &n.most, true}, {"waits for the slowest", &n.leads, false},
		{"met by Look", &n.looked, true}, {"ended parked", &n.endParks, true}, {"yields", &n.yields, true},
		{"observations", &n.observed, true}, {"ticks compared", &n.compared, aligned}, {"changes compared", &n.changed, aligned},
	}
}

// missing returns the paths that were not taken though they should be.
func (s *stress) missing() (names []string) {
	for _, c := range s.counters() {
		if c.required && c.n.Load() == 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// report proves that every path was taken, and that nothing is left over.
func (s *stress) report(t *testing.T) {
	for _, c := range s.counters() {
		t.Logf("%-22s %d", c.name, c.n.Load())
	}
	if names := s.missing(); len(names) > 0 {
		t.Errorf("never: %q", names)
	}
	if n := &s.count; n.reclaimed.Load() != n.publications.Load() {
		t.Errorf("%d of %d publications reclaimed", n.reclaimed.Load(), n.publications.Load())
	}
	if st := s.domain.Stats(); st.Pending != 0 || st.Participants != 0 {
		t.Errorf("left over: %+v", st)
	}
}
