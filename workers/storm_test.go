package workers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"hotreload/epoch"
)

// TestStorm publishes directives of every kind and changes the number of workers as fast as possible, at moments that
// differ each time, and checks that every shard runs every tick once, on the code that is active, and meets every
// directive once and in order.
func TestStorm(t *testing.T) {
	cases := []struct {
		name string
		cfg  Config
	}{
		{"free-running", Config{Workers: 3, Shards: 24}},
		{"free-running, one shard each", Config{Workers: 8, Shards: 8}},
		{"paced", Config{Workers: 4, Shards: 10, Period: 50 * time.Microsecond, MaxCatchup: 3}},
		{"paced, asleep", Config{Workers: 4, Shards: 10, Period: 2 * time.Millisecond, MaxCatchup: 3}},
		{"at the end", Config{Workers: 3, Shards: 7, Ticks: 5, Period: 20 * time.Microsecond}},
		{"near the end", Config{Workers: 3, Shards: 7, Ticks: 3000}},
	}
	for _, mode := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		for _, c := range cases {
			t.Run(fmt.Sprintf("%v, %s", mode, c.name), func(t *testing.T) {
				c.cfg.Mode = mode
				for _, coarse := range []bool{false, true} {
					c.cfg.coarse = coarse
					storm(t, c.cfg, stressTime(t)/time.Duration(4*len(cases)))
				}
			})
		}
	}
}

func storm(t *testing.T, cfg Config, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience+d)
	defer cancel()
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	rounds, directives, resizes, limits := 0, 0, 0, 0
	var ticks uint64
	for end := time.Now().Add(d); time.Now().Before(end); rounds++ {
		b := newBoard(cfg)
		first, taken := b.directive(1, 1)
		p := New(cfg, first, b.hand)
		wait := start(t, p)
		n, code := 1, 1
		var retired []retiree
		for range rng.IntN(200) {
			retired = b.reclaim(retired)
			switch k := rng.IntN(20); {
			case k < 2:
				resizes++
				if err := p.Resize(1 + rng.IntN(2*cfg.Workers)); err != nil {
					t.Fatal(err)
				}
				continue
			case k < 4:
				for range rng.IntN(500) {
					runtime.Gosched()
				}
				continue
			case k < 5:
				receiveOrDie(ctx, t, p, taken, seed)
				continue
			case k < 8: // the same code: a look at the state
			default:
				code++
			}
			n++
			var next Directive[int]
			next, taken = b.directive(n, code)
			next.Renew, next.Light = rng.IntN(8) == 0, rng.IntN(2) == 0
			awaited := cfg.Ticks == 0 && rng.IntN(16) == 0
			switch {
			case awaited:
				next.Limit = Unlimited
			case rng.IntN(6) == 0:
				limits++
				next.Limit = []Limit{After(1 + rng.Uint64N(5)), Unlimited}[rng.IntN(2)]
			}
			old, _ := p.Replace(next)
			if old.Value.Code == code {
				continue
			}
			r := retiree{p.Retire(old, uint64(rng.IntN(2))), old.Value.Code}
			retired = append(retired, r)
			if awaited {
				if err := r.grace.Wait(ctx); err != nil {
					t.Fatalf("seed %d: %v; %+v", seed, err, p.Progress())
				}
			}
		}
		ticks = max(ticks, p.Slowest())
		p.Publish(b.stop(n+1, code))
		select {
		case <-p.Ended():
		case <-ctx.Done():
			t.Fatalf("seed %d: the pool does not end: %+v %+v", seed, p.Progress(), p.Stats())
		}
		wait()
		directives += n
		last := b.shards[0].next
		for i, sh := range b.shards {
			if sh.met != n+1 || !sh.ended || (b.aligned && sh.next != last) {
				b.fault("shard %d ended at tick %d after directive %d, expected tick %d, directive %d", i, sh.next, sh.met, last, n+1)
			}
		}
		if st := p.Stats(); st.Participants != 0 {
			b.fault("%d participants are left", st.Participants)
		}
		b.check(t)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d pools, %d directives, %d resizes, %d limits, up to %d ticks", rounds, directives, resizes, limits, ticks)
}

// retiree is a code that was replaced.
type retiree struct {
	grace *epoch.Grace[Directive[int]]
	code  int
}

// reclaim makes the use of those whose grace period has ended a fault, and returns the others.
func (b *board) reclaim(list []retiree) []retiree {
	return slices.DeleteFunc(list, func(r retiree) bool {
		passed := r.grace.Passed()
		if passed {
			b.gone[r.code].Store(true)
		}
		return passed
	})
}

func receiveOrDie(ctx context.Context, t *testing.T, p *Pool[int], c <-chan struct{}, seed uint64) {
	t.Helper()
	select {
	case <-c:
	case <-ctx.Done():
		t.Fatalf("seed %d: a directive was not met: %+v %+v", seed, p.Progress(), p.Stats())
	}
}
