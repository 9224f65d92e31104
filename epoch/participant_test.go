package epoch_test

import (
	"testing"

	"hotreload/epoch"
)

func TestPublicationChangesNoTickThatMayRun(t *testing.T) {
	for _, c := range []struct {
		name  string
		state func(*epoch.Participant[int])
		want  uint64
	}{
		{"parked", func(p *epoch.Participant[int]) { arrive(p); p.End(); p.Park() }, 1},
		{"in a tick", func(p *epoch.Participant[int]) { arrive(p); p.End(); arrive(p) }, 2},
		{"between ticks", func(p *epoch.Participant[int]) { arrive(p); p.End() }, 2},
		{"joined", func(*epoch.Participant[int]) {}, 0},
		{"left in a tick", func(p *epoch.Participant[int]) { arrive(p); p.End(); arrive(p); p.Close() }, 2},
		{"left parked", func(p *epoch.Participant[int]) { arrive(p); p.End(); p.Park(); p.Close() }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := epoch.New(epoch.Aligned, 1)
			c.state(d.Join(0, 0))
			if got := d.Publish(2).Activation(); got != c.want {
				t.Errorf("active from tick %d, want %d", got, c.want)
			}
		})
	}
}

func TestEveryGenerationIsMetOnceAndInOrder(t *testing.T) {
	for _, mode := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		t.Run(mode.String(), func(t *testing.T) {
			d := epoch.New(mode, 1)
			p := d.Join(0, 0)
			arrive(p)
			const pending = 500
			for v := 2; v <= pending; v++ {
				d.Publish(v)
			}
			late := d.Join(1, 1)
			p.End()
			for v := 2; v <= pending; v++ {
				if got := p.Begin(); got.Value != v {
					t.Fatalf("met %d, want %d", got.Value, v)
				}
			}
			if got := p.Begin(); got.Value != pending {
				t.Fatalf("runs %d, want %d", got.Value, pending)
			}
			if got := late.Begin(); got.Value != pending {
				t.Fatalf("who joins meets %d first, want what its tick runs, %d", got.Value, pending)
			}
		})
	}
}

func TestWhoJoinsBehindRunsTheOldTicksOnTheOldGeneration(t *testing.T) {
	d := epoch.New(epoch.Aligned, 1)
	d.Join(0, 10)
	d.Publish(2) // tick 10
	late := d.Join(1, 8)
	grace := d.Retire(arrive(late), 0)
	for tick, want := range []int{8: 1, 9: 1, 10: 2, 11: 2} {
		if want == 0 {
			continue
		}
		if passed := grace.Passed(); passed != (tick >= 10) {
			t.Errorf("before tick %d: grace period over: %v", tick, passed)
		}
		if got := arrive(late).Value; got != want {
			t.Errorf("tick %d ran %d, want %d", tick, got, want)
		}
		late.End()
	}
}

func TestParticipantTellsWhoAndWhere(t *testing.T) {
	p := epoch.New(epoch.Aligned, 1).Join(42, 7)
	arrive(p)
	p.End()
	if p.ID() != 42 || p.Tick() != 8 {
		t.Errorf("participant %d at tick %d, want 42 at 8", p.ID(), p.Tick())
	}
}

func TestTicksAllocateNothing(t *testing.T) {
	for _, mode := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		d := epoch.New(mode, 1)
		p := d.Join(0, 0)
		arrive(p)
		if n := testing.AllocsPerRun(100, func() { p.Begin(); p.End(); p.Park(); arrive(p) }); n != 0 {
			t.Errorf("%v: %v allocations in a tick", mode, n)
		}
		d.Join(1, 1000) // the next activation lies far ahead
		d.Publish(2)
		if n := testing.AllocsPerRun(100, func() { p.Begin(); p.End(); p.Park(); arrive(p) }); n != 0 {
			t.Errorf("%v: %v allocations in a tick with a publication pending", mode, n)
		}
	}
}
