package epoch_test

import (
	"context"
	"fmt"

	"hotreload/epoch"
)

// arrive begins the participant's next tick.
func arrive[T any](p *epoch.Participant[T]) *epoch.Generation[T] {
	g := p.Begin()
	for next := p.Begin(); next != g; next = p.Begin() {
		g = next // met, and replaced before this tick
	}
	return g
}

func Example() {
	d := epoch.New(epoch.Aligned, "red")
	a, b := d.Join(0, 0), d.Join(1, 0)
	for tick := range 3 {
		fmt.Println(tick, arrive(a).Value, arrive(b).Value)
		if tick == 0 {
			g := d.Publish("blue") // tick 0 is running, so both change at tick 1
			fmt.Println("epoch", g.Epoch(), "is active from tick", g.Activation())
		}
		a.End()
		b.End()
	}
	// Output:
	// 0 red red
	// epoch 2 is active from tick 1
	// 1 blue blue
	// 2 blue blue
}

func ExampleDomain_Retire() {
	d := epoch.New(epoch.Aligned, "old")
	p := d.Join(0, 0)
	arrive(p)
	old := d.Current()
	d.Publish("new")

	grace := d.Retire(old, 0)
	fmt.Println(grace.Passed(), len(grace.Behind()))
	p.End()
	fmt.Println(grace.Wait(context.Background()))
	fmt.Println(arrive(p).Value)
	// Output:
	// false 1
	// <nil>
	// new
}

func ExampleDomain_Retire_probation() {
	d := epoch.New(epoch.Aligned, "old")
	p := d.Join(0, 0)
	old := d.Current()
	d.Publish("new")
	probation := d.Retire(old, 2) // keep old until every participant has completed two ticks of new
	for range 2 {
		arrive(p)
		fmt.Println(probation.Passed())
		p.End()
	}
	fmt.Println(probation.Passed())
	// Output:
	// false
	// false
	// true
}

func ExampleNew_immediate() {
	d := epoch.New(epoch.Immediate, "old")
	busy, parked := d.Join(0, 7), d.Join(1, 3) // ticks need not agree
	arrive(busy)
	old := d.Current()
	d.Publish("new")
	grace := d.Retire(old, 0)
	fmt.Println(grace.Passed(), arrive(parked).Value)
	busy.End()
	fmt.Println(grace.Passed(), arrive(busy).Value)
	// Output:
	// false new
	// true new
}
