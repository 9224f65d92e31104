package epoch_test

import (
	"context"
	"sync"
	"testing"

	"hotreload/epoch"
)

func TestAllParticipantsChangeAtTheActivationTick(t *testing.T) {
	d := epoch.New(epoch.Aligned, 0)
	const workers, ticks = 4, 20000
	var wg sync.WaitGroup
	ran := make([][]int, workers)
	for w := range workers {
		p := d.Join(w, 0)
		wg.Go(func() {
			defer p.Close()
			for tick := range ticks {
				g := p.Begin()
				for n := p.Begin(); n != g; n = p.Begin() {
					g = n
				}
				ran[w] = append(ran[w], g.Value)
				p.End()
				if tick%1000 == 0 {
					p.Park()
				}
			}
		})
	}
	for v := 1; v <= 50; v++ {
		old := d.Current()
		d.Publish(v)
		if err := d.Retire(old, 0).Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	for w := range ran {
		for i := range ran[w] {
			if ran[w][i] != ran[0][i] {
				t.Fatalf("tick %d: worker 0 ran %d, worker %d ran %d", i, ran[0][i], w, ran[w][i])
			}
		}
	}
}
