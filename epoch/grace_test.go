package epoch_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotreload/epoch"
)

func TestGraceEndsWhenTheLastParticipantHasPassed(t *testing.T) {
	type member = *epoch.Participant[int]
	end := func(p member) { p.End() }
	park := func(p member) { p.Park() }
	next := func(p member) { arrive(p); p.End() }
	leave := func(p member) { p.Close() }
	for _, c := range []struct {
		name   string
		mode   epoch.Mode
		before func(member) // the publication
		ticks  uint64
		steps  []func(member) // the last one ends the grace period
	}{
		{"aligned, in a tick", epoch.Aligned, func(p member) { arrive(p) }, 0, []func(member){end}},
		{"aligned, in a tick, then parked", epoch.Aligned, func(p member) { arrive(p) }, 0, []func(member){park, next}},
		{"aligned, parked", epoch.Aligned, func(p member) { next(p); p.Park() }, 0, nil},
		{"aligned, leaves", epoch.Aligned, func(p member) { arrive(p) }, 0, []func(member){leave}},
		{"aligned, two ticks later", epoch.Aligned, func(p member) { arrive(p) }, 2, []func(member){end, next, next}},
		{"aligned, parked, one tick later", epoch.Aligned, func(p member) { next(p); p.Park() }, 1, []func(member){next}},
		{"immediate, in a tick", epoch.Immediate, func(p member) { arrive(p) }, 0, []func(member){end}},
		{"immediate, in a tick, then parked", epoch.Immediate, func(p member) { arrive(p) }, 0, []func(member){park}},
		{"immediate, parked", epoch.Immediate, func(p member) { next(p); p.Park() }, 0, nil},
		{"immediate, leaves", epoch.Immediate, func(p member) { arrive(p) }, 0, []func(member){leave}},
		{"immediate, two ticks later", epoch.Immediate, func(p member) { arrive(p) }, 2, []func(member){end, next, next}},
		{"immediate, parked, one tick later", epoch.Immediate, func(p member) { next(p); p.Park() }, 1, []func(member){next}},
		{"immediate, not begun", epoch.Immediate, func(member) {}, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := epoch.New(c.mode, 1)
			p := d.Join(0, 0)
			c.before(p)
			old := d.Current()
			d.Publish(2)
			grace := d.Retire(old, c.ticks)
			for i, step := range c.steps {
				if grace.Passed() {
					t.Fatalf("over after %d of %d steps", i, len(c.steps))
				}
				step(p)
			}
			if !grace.Passed() || len(grace.Behind()) != 0 {
				t.Fatalf("not over: behind are %v", grace.Behind())
			}
		})
	}
}

// What is superseded before a tick could run it is met all the same, and must be there.
func TestGraceCoversWhatIsMetAndNeverRun(t *testing.T) {
	for _, mode := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		t.Run(mode.String(), func(t *testing.T) {
			d := epoch.New(mode, 1)
			p := d.Join(0, 0)
			arrive(p)
			p.End()
			p.Park()
			stillborn := d.Publish(2)
			d.Publish(3)
			grace := d.Retire(stillborn, 0)
			if grace.Passed() {
				t.Error("over before it is met")
			}
			if got := p.Begin(); got != stillborn {
				t.Fatalf("met %d, want 2", got.Value)
			}
			if got := arrive(p); got.Value != 3 || grace.Passed() {
				t.Errorf("runs %d; over within the tick: %v", got.Value, grace.Passed())
			}
			p.End()
			if !grace.Passed() {
				t.Error("not over after the tick in which it was met")
			}
		})
	}
}

// Being seen parked once is enough: the participant that goes on and gets stuck is on the successor.
func TestImmediateGraceIsNotTakenBack(t *testing.T) {
	d := epoch.New(epoch.Immediate, 1)
	p, q := d.Join(0, 0), d.Join(1, 0)
	arrive(p)
	arrive(q)
	old := d.Current()
	d.Publish(2)
	grace := d.Retire(old, 0)
	p.Park()
	grace.Behind()
	arrive(p)
	q.End()
	if !grace.Passed() {
		t.Errorf("behind: %v", grace.Behind())
	}
}

func TestGraceWithoutParticipantsIsOver(t *testing.T) {
	d := epoch.New(epoch.Aligned, 1)
	old := d.Current()
	d.Publish(2)
	if err := d.Retire(old, 5).Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStragglersAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := epoch.New(epoch.Aligned, 1)
		quick, stuck, idle := d.Join(0, 0), d.Join(1, 0), d.Join(2, 0)
		for range 3 {
			arrive(quick)
			quick.End()
		}
		quick.Park()
		arrive(stuck)
		old := d.Current()
		d.Publish(2) // tick 3
		grace := d.Retire(old, 0)
		if n := len(grace.Behind()); n != 2 {
			t.Errorf("%d are behind, want 2", n)
		}
		time.Sleep(time.Second)
		arrive(idle)
		idle.End()
		idle.Park()
		reason := errors.New("waited long enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, reason)
		defer cancel()
		err := grace.Wait(ctx)

		var late *epoch.StragglersError
		if !errors.As(err, &late) || !errors.Is(err, reason) || late.Epoch != 1 {
			t.Fatalf("got %v, want a StragglersError about epoch 1 that wraps %v", err, reason)
		}
		want := []epoch.Straggler{
			{ID: 1, Tick: 0, Target: 3, Age: 2 * time.Second},
			{ID: 2, Tick: 1, Target: 3, Parked: true, Age: time.Second},
		}
		if len(late.Behind) != 2 || late.Behind[0] != want[0] || late.Behind[1] != want[1] {
			t.Errorf("behind: %v, want %v", late.Behind, want)
		}
		const text = "epoch 1 is still in use: waited long enough; " +
			"participant 1 runs tick 0 for at least 2s, must reach 3; " +
			"participant 2 is parked before tick 1 for at least 1s, must reach 3"
		if err.Error() != text {
			t.Errorf("error %q, want %q", err, text)
		}
		// The wait was given up, the grace period was not.
		stuck.Close()
		idle.Close()
		if err := grace.Wait(t.Context()); err != nil || len(grace.Behind()) != 0 {
			t.Errorf("after both have left: %v, behind %v", err, grace.Behind())
		}
	})
}

func TestWaitPrefersTheVerdictToTheContext(t *testing.T) {
	d := epoch.New(epoch.Aligned, 1)
	old := d.Current()
	d.Publish(2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Retire(old, 0).Wait(ctx); err != nil {
		t.Errorf("ended grace period, ended context: %v", err)
	}
}

func TestReachWaitsForAllAndForThoseWhoJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := epoch.New(epoch.Aligned, 1)
		p := d.Join(0, 0)
		reached := make(chan error, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { reached <- d.Reach(ctx, 1) }()
		synctest.Wait()
		q := d.Join(1, 0)
		arrive(p)
		p.End()
		synctest.Wait()
		select {
		case err := <-reached:
			t.Fatalf("returned %v before participant 1 got there", err)
		default:
		}
		arrive(q)
		q.End()
		if err := <-reached; err != nil {
			t.Error(err)
		}
		reason := errors.New("enough")
		go func() { reached <- d.Reach(ctx, 2) }()
		synctest.Wait()
		cancel(reason)
		if err := <-reached; !errors.Is(err, reason) {
			t.Errorf("got %v, want %v", err, reason)
		}
	})
}

func TestStatsCount(t *testing.T) {
	d := epoch.New(epoch.Aligned, 1)
	p, q := d.Join(0, 0), d.Join(1, 5)
	gone := d.Join(2, 9)
	gone.Close()
	arrive(p)
	p.End()
	old := d.Current()
	d.Publish(2)
	grace := d.Retire(old, 0)
	want := epoch.Stats{Epoch: 2, Activation: 9, Participants: 2, Pending: 1, Slowest: 1, Fastest: 9}
	if got := d.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	p.Close()
	q.Close()
	grace.Passed()
	want.Participants, want.Pending, want.Slowest = 0, 0, 0
	if got := d.Stats(); got != want || d.Slowest() != 0 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Whoever keeps an old generation keeps no later one, and the domain keeps none that all have left behind.
func TestPastGenerationsAreCollected(t *testing.T) {
	for _, retire := range []bool{false, true} {
		d := epoch.New(epoch.Aligned, new([1 << 10]int))
		first := d.Current()
		p := d.Join(0, 0)
		arrive(p)
		collected := make(chan struct{})
		past := d.Publish(new([1 << 10]int))
		runtime.AddCleanup(past, func(done chan struct{}) { close(done) }, collected)
		if retire { // without participants nothing is forgotten but what was retired
			p.Close()
			d.Retire(first, 0).Passed()
		}
		newest := d.Publish(new([1 << 10]int))
		if retire {
			d.Retire(past, 0).Passed()
		} else {
			p.End()
			arrive(p)
			newest = d.Publish(new([1 << 10]int))
		}
		for deadline := time.Now().Add(patience); ; runtime.GC() {
			select {
			case <-collected:
			default:
				if time.Now().Before(deadline) {
					continue
				}
				t.Fatalf("retire %v: the generation before the newest is kept", retire)
			}
			break
		}
		runtime.KeepAlive(first)
		runtime.KeepAlive(newest)
		runtime.KeepAlive(d)
		runtime.KeepAlive(p)
	}
}

func TestActivationWaitsForItsPublication(t *testing.T) {
	d := epoch.New(epoch.Aligned, 0)
	for id := range 20 {
		arrive(d.Join(id, 0))
	}
	published := make(chan struct{})
	go func() {
		defer close(published)
		for v := range 1000 {
			d.Publish(v)
		}
	}()
	for more := true; more; {
		select {
		case <-published:
			more = false
		default:
		}
		if g := d.Current(); g.Epoch() > 1 && g.Activation() != 1 {
			t.Fatalf("epoch %d is active from tick %d, want 1", g.Epoch(), g.Activation())
		}
	}
}

func TestStragglerTells(t *testing.T) {
	s := epoch.Straggler{ID: 4, Tick: 2, Target: 3, Age: 1500 * time.Microsecond}
	if got := s.String(); !strings.HasPrefix(got, "participant 4 runs tick 2 for at least 2ms") {
		t.Error(got)
	}
}
