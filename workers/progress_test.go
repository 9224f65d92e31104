package workers

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Workers: 3, Shards: 6, Period: ms, coarse: true}
		b := newBoard(cfg)
		gate := make(chan struct{})
		b.busy = stuckAt(1, 5)(gate)
		first, _ := b.directive(1, 1)
		p := New(cfg, first, b.hand)
		wait := start(t, p)
		var s Sampler
		for i := range 10 {
			time.Sleep(ms)
			synctest.Wait()
			stuck := s.Sample(time.Now(), p.Progress())
			if i < 5 {
				if len(stuck) != 0 {
					t.Errorf("after tick %d: %+v", i+1, stuck)
				}
				continue
			}
			if len(stuck) != 1 || stuck[0].Span != (Span{1, 2, 2}) || stuck[0].Tick != 5 || stuck[0].Age != time.Duration(i-4)*ms {
				t.Errorf("after tick %d: %+v, expected worker 1 in tick 5 for %d ms", i+1, stuck, i-4)
			}
		}
		for _, w := range p.Progress() {
			if w.Parked == (w.Span.Worker == 1) {
				t.Errorf("%+v", w)
			}
		}
		p.Publish(b.stop(2, 1))
		close(gate)
		wait()
		if stuck := s.Sample(time.Now(), nil); stuck != nil {
			t.Errorf("after the end: %+v", stuck)
		}
		b.check(t)
	})
}

func TestSampler(t *testing.T) {
	at := func(worker, tick, rests uint64) Progress {
		return Progress{Tick: tick, worker: worker, rests: rests, Parked: rests%2 == 1}
	}
	for _, c := range []struct {
		name    string
		samples []Progress // one second apart
		age     time.Duration
	}{
		{"first sight", []Progress{at(1, 5, 0)}, 0},
		{"same tick", []Progress{at(1, 5, 0), at(1, 5, 0), at(1, 5, 0)}, 2 * time.Second},
		{"next tick", []Progress{at(1, 5, 0), at(1, 6, 0)}, 0},
		{"parked", []Progress{at(1, 5, 1), at(1, 5, 1)}, 0},
		{"parked, then in the tick", []Progress{at(1, 5, 1), at(1, 5, 2)}, 0},
		{"it waited in between", []Progress{at(1, 5, 2), at(1, 5, 4)}, 0},
		{"the same number in another set", []Progress{at(1, 5, 0), at(9, 5, 0)}, 0},
		{"later in the same tick", []Progress{at(1, 4, 0), at(1, 5, 0), at(1, 5, 0)}, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Sampler
			var stuck []Stuck
			now := time.Now()
			for i, p := range c.samples {
				stuck = s.Sample(now.Add(time.Duration(i)*time.Second), []Progress{p})
			}
			age := time.Duration(0)
			if len(stuck) > 0 {
				age = stuck[0].Age
			}
			if age != c.age {
				t.Errorf("age %v, expected %v", age, c.age)
			}
		})
	}
}
