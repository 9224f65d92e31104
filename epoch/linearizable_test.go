package epoch_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"hotreload/epoch"

	"github.com/anishathalye/porcupine"
)

// published is the sequential specification of a domain in immediate mode: a register that counts.
var published = porcupine.Model{
	Init: func() any { return uint64(1) },
	Step: func(state, operation, epoch any) (bool, any) {
		if operation == "publish" {
			return epoch == state.(uint64)+1, epoch
		}
		return epoch == state, state
	},
}

// Publications and what participants run behave as if each took effect at one moment between its call and its return.
func TestPublicationIsLinearizable(t *testing.T) {
	const rounds, clients, calls = 40, 4, 60
	for range rounds {
		d := epoch.New(epoch.Immediate, 0)
		start := time.Now()
		histories := make([][]porcupine.Operation, clients)
		var running sync.WaitGroup
		for c := range clients {
			p := d.Join(c, 0)
			running.Go(func() {
				defer p.Close()
				for i := range calls {
					operation := []string{"publish", "run", "current", "run"}[(i+c)%4]
					call := time.Since(start)
					var epoch uint64
					switch operation {
					case "publish":
						epoch = d.Publish(i).Epoch()
					case "run":
						epoch = arrive(p).Epoch()
					case "current":
						epoch = d.Current().Epoch()
					}
					histories[c] = append(histories[c], porcupine.Operation{
						ClientId: c, Input: operation, Output: epoch, Call: int64(call), Return: int64(time.Since(start)),
					})
					if operation == "run" {
						p.End()
					}
					if i%16 == c {
						p.Park()
						runtime.Gosched()
					}
				}
			})
		}
		running.Wait()
		var history []porcupine.Operation
		for _, h := range histories {
			history = append(history, h...)
		}
		if !porcupine.CheckOperations(published, history) {
			t.Fatal("no sequential order explains the history:\n", fmt.Sprint(history))
		}
	}
}
