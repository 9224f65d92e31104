package epoch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"hotreload/epoch"
)

// A waiter whose condition has come returns although nobody makes another move: there is no later End that could make up
// for a lost wake-up, and nothing polls. Each round is a domain of its own, some participants that move until the
// conditions hold and then fall silent, and some waiters.
func TestNoWakeUpIsLost(t *testing.T) {
	rounds := 0
	for end := time.Now().Add(stressTime(t) / 5); time.Now().Before(end); rounds++ {
		seed := rand.Uint64()
		if err := wakeUpRound(seed); err != nil {
			t.Fatalf("round %d, seed %d: %v", rounds, seed, err)
		}
	}
	t.Logf("%d rounds", rounds)
	if rounds == 0 {
		t.Error("no round")
	}
}

func wakeUpRound(seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 0))
	mode := epoch.Mode(rng.IntN(2))
	d := epoch.New(mode, 0)
	const last = 4 // the highest tick that anybody waits for
	members := make([]*epoch.Participant[int], 1+rng.IntN(3))
	for i := range members {
		members[i] = d.Join(i, 0)
		if rng.IntN(2) == 0 {
			arrive(members[i])
		}
	}
	old := d.Current()
	d.Publish(1)
	grace := d.Retire(old, uint64(rng.IntN(2)))

	// In immediate mode being parked can be all that is waited for.
	parkOnly := mode == epoch.Immediate && rng.IntN(2) == 0
	if parkOnly {
		grace = d.Retire(old, 0)
	}
	waits := []func(context.Context) error{grace.Wait, grace.Wait}
	for range rng.IntN(3) {
		if tick := uint64(1 + rng.IntN(last)); !parkOnly {
			waits = append(waits, func(ctx context.Context) error { return d.Reach(ctx, tick) })
		}
	}
	joins := rng.IntN(3) == 0 && !parkOnly

	var moving, waiting sync.WaitGroup
	for i, p := range members {
		own := rand.New(rand.NewPCG(seed, uint64(i)+1))
		moving.Go(func() {
			if parkOnly {
				arrive(p)
				p.Park()
				return
			}
			for p.Tick() < last {
				arrive(p)
				if own.IntN(4) == 0 {
					p.Park()
					continue
				}
				if own.IntN(8) == 0 {
					p.Close()
					return
				}
				if own.IntN(8) == 0 {
					p.EndPark()
				} else {
					p.End()
				}
			}
		})
	}
	if joins {
		moving.Go(func() {
			p, err := join(d, len(members), 1)
			if err != nil {
				return // ticks before the activation are gone
			}
			for p.Tick() < last {
				arrive(p)
				p.End()
			}
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), wakeUpPatience)
	defer cancel()
	errs := make([]error, len(waits))
	for i, wait := range waits {
		waiting.Go(func() { errs[i] = wait(ctx) })
	}
	moving.Wait()
	waiting.Wait()
	if ctx.Err() != nil { // at its end a wait looks for itself: only the time tells that nobody woke it
		return fmt.Errorf("%v, %d participants, %d waiters: one sleeps on: %w", mode, len(members), len(waits), errors.Join(errs...))
	}
	return errors.Join(errs...)
}

// join is Join with the refusal as an error.
func join[T any](d *epoch.Domain[T], id int, tick uint64) (p *epoch.Participant[T], err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return d.Join(id, tick), nil
}
