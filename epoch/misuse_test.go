package epoch_test

import (
	"fmt"
	"strings"
	"testing"

	"hotreload/epoch"
)

func TestMisusePanics(t *testing.T) {
	joined := func() (*epoch.Domain[int], *epoch.Participant[int]) {
		d := epoch.New(epoch.Aligned, 1)
		return d, d.Join(3, 0)
	}
	for name, c := range map[string]struct {
		do   func()
		want string
	}{
		"New with an unknown mode": {func() { epoch.New(epoch.Mode(7), 0) }, "New with Mode(7)"},
		"domain closed twice": {func() {
			d, _ := joined()
			d.Close()
			d.Close()
		}, "Close of a closed domain"},
		"Publish after Close": {func() {
			d, _ := joined()
			d.Close()
			d.Publish(2)
		}, "Publish after Close"},
		"Join after Close": {func() {
			d, _ := joined()
			d.Close()
			d.Join(4, 0)
		}, "Join after Close"},
		"Join before a reclaimed tick": {func() {
			d, p := joined()
			arrive(p)
			for range 10 {
				p.End()
			}
			old := d.Current()
			p.Park()
			d.Publish(2)
			if !d.Retire(old, 0).Passed() {
				panic("a parked participant delays the grace period")
			}
			d.Join(4, 10)
			d.Join(5, 9)
		}, "Join at tick 9, but code from before tick 10"},
		"Join before a tick that all have left behind": {func() {
			d, p := joined()
			arrive(p)
			p.End()
			d.Publish(2)
			p.End()
			arrive(p)
			d.Publish(3) // all have met 2, which is active from tick 2
			d.Join(4, 1)
		}, "Join at tick 1, but code from before tick 2"},
		"Join beyond the last tick": {func() {
			d, _ := joined()
			d.Join(4, 1<<63)
		}, "Join at tick 9223372036854775808, the highest"},
		"participant closed twice": {func() {
			_, p := joined()
			p.Close()
			p.Close()
		}, "Close of a closed participant"},
		"Begin after Close": {func() {
			_, p := joined()
			arrive(p)
			p.Close()
			p.Begin()
		}, "Begin after Close"},
		"End after Close": {func() {
			_, p := joined()
			arrive(p)
			p.Close()
			p.End()
		}, "End after Close"},
		"Park after Close": {func() {
			_, p := joined()
			p.Close()
			p.Park()
		}, "Park after Close"},
		"Look after Close": {func() {
			_, p := joined()
			p.Close()
			p.Look()
		}, "Look after Close"},
		"Look in a tick": {func() {
			_, p := joined()
			arrive(p)
			p.Look()
		}, "Look of a participant that is not parked"},
		"EndPark after Close": {func() {
			_, p := joined()
			arrive(p)
			p.Close()
			p.EndPark()
		}, "EndPark after Close"},
		"EndPark while parked": {func() {
			_, p := joined()
			p.EndPark()
		}, "EndPark without Begin"},
		"End before the first Begin": {func() {
			_, p := joined()
			p.End()
		}, "End without Begin by participant 3"},
		"End while parked": {func() {
			_, p := joined()
			arrive(p)
			p.End()
			p.Park()
			p.End()
		}, "End without Begin by participant 3"},
		"aligned, a tick begun once with a publication due": {func() {
			d, p := joined()
			arrive(p)
			d.Publish(2)
			d.Publish(3)
			p.End()
			p.Begin() // 2; 3 is active as well
			p.End()
			p.Begin()
		}, "participant 3 ended tick 1 on epoch 2 although epoch 3 was active"},
		"aligned, a tick not begun with a publication due": {func() {
			d, p := joined()
			arrive(p)
			d.Publish(2)
			p.End()
			p.End()
			p.Begin()
		}, "ended tick 1 on epoch 1 although epoch 2 was active"},
		"immediate, a tick begun once with a publication due": {func() {
			d := epoch.New(epoch.Immediate, 1)
			p := d.Join(3, 0)
			arrive(p)
			d.Publish(2)
			d.Publish(3)
			p.End()
			p.Begin()
			p.End()
			p.Begin()
		}, "ended tick 1 on epoch 2 although epoch 3 was active"},
		"Retire of the current generation": {func() {
			d, _ := joined()
			d.Retire(d.Current(), 0)
		}, "Retire of the current generation"},
		"Retire of a generation of another domain": {func() {
			d, _ := joined()
			other := epoch.New(epoch.Aligned, 1)
			foreign := other.Current()
			other.Publish(2)
			d.Retire(foreign, 0)
		}, "Retire of a generation of another domain"},
		"Retire after too many ticks": {func() {
			d, _ := joined()
			old := d.Current()
			d.Publish(2)
			d.Retire(old, 1<<63)
		}, "Retire after 9223372036854775808 ticks"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "epoch: ") || !strings.Contains(got, c.want) {
					t.Errorf("panic %q, want epoch: …%s…", got, c.want)
				}
			}()
			c.do()
		})
	}
}

func TestModesHaveNames(t *testing.T) {
	for _, m := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		if got, err := epoch.ParseMode(m.String()); got != m || err != nil {
			t.Errorf("ParseMode(%q) = %v, %v", m, got, err)
		}
		if got := epoch.New(m, 0).Mode(); got != m {
			t.Errorf("Mode() = %v, want %v", got, m)
		}
	}
	if _, err := epoch.ParseMode("sometimes"); err == nil {
		t.Error("ParseMode accepts an unknown mode")
	}
}
