package workers

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"hotreload/epoch"
)

// TestStart: a pool begins with the ticks that Config.Start gives, each due at once and the next a period later, however
// high they are, and goes on from there through directives and changes of the number of workers.
func TestStart(t *testing.T) {
	for _, c := range []struct {
		mode  epoch.Mode
		start func(Span) uint64
		last  uint64 // the highest start
	}{
		{epoch.Aligned, func(Span) uint64 { return 1000 }, 1000},
		{epoch.Immediate, func(Span) uint64 { return 1000 }, 1000},
		{epoch.Immediate, func(s Span) uint64 { return 1000 + uint64(s.Worker) }, 1001},
		{epoch.Aligned, func(s Span) uint64 { return 1000 + uint64(s.Worker) }, 1001},
		{epoch.Aligned, func(Span) uint64 { return math.MaxInt64 / uint64(time.Hour) * 4 }, math.MaxInt64 / uint64(time.Hour) * 4},
	} {
		t.Run(fmt.Sprintf("%v from %d on", c.mode, c.last), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const ticks = 5
				cfg := Config{
					Workers: 2, Shards: 4, Mode: c.mode, Period: time.Hour, Start: c.start, Ticks: c.last + ticks, coarse: true,
				}
				b := newBoard(cfg)
				for w := range cfg.Workers {
					s := spanOf(w, cfg.Workers, cfg.Shards)
					for i := s.First; i < s.First+s.Count; i++ {
						b.shards[i].next = c.start(s)
					}
				}
				first, _ := b.directive(1, 1)
				p := New(cfg, first, b.hand)
				began := time.Now()
				wait := start(t, p)
				if err := p.Reach(context.Background(), c.last+2); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took != time.Hour && took != 2*time.Hour { // of a worker that begins a tick earlier
					t.Errorf("the second tick ended after %v, expected one period", took)
				}
				second, met := b.directive(2, 2)
				p.Publish(second)
				<-met // in as long as it takes, in virtual time
				if err := p.Resize(3); err != nil {
					t.Error(err)
				}
				if err := p.Reach(context.Background(), cfg.Ticks); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took != (ticks-1)*time.Hour && took != ticks*time.Hour {
					t.Errorf("%d ticks took %v", ticks, took)
				}
				p.Publish(b.stop(3, 2))
				wait()
				b.check(t)
				for i := range b.shards {
					if b.shards[i].next != cfg.Ticks {
						t.Errorf("shard %d ended before tick %d, expected %d", i, b.shards[i].next, cfg.Ticks)
					}
				}
			})
		})
	}
}
