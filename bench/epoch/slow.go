package main

import (
	"fmt"
	"time"

	"hotreload/epoch"
)

// slowPath is an operation that a publisher or a waiter pays, or a participant when something was published.
type slowPath struct {
	name string
	run  func(n int) time.Duration // n times
}

var slowPaths = []slowPath{
	{"Publish, 1 participant", func(n int) time.Duration { return publish(n, 1, nothing) }},
	{"Publish, 64 participants", func(n int) time.Duration { return publish(n, 64, nothing) }},
	{"Publish + Retire + Passed, 1 participant", func(n int) time.Duration { return publish(n, 1, retire) }},
	{"Publish + Retire + Passed, 64 participants", func(n int) time.Duration { return publish(n, 64, retire) }},
	{"Passed, one of 300 pending, 64 participants", func(n int) time.Duration {
		d := epoch.New(epoch.Aligned, 0)
		members(d, 64)
		var pending []*epoch.Grace[int]
		for range 300 {
			old := d.Current()
			d.Publish(0)
			pending = append(pending, d.Retire(old, 0))
		}
		start := time.Now()
		for i := range n {
			pending[i%len(pending)].Passed()
		}
		return time.Since(start)
	}},
	{"Begin that meets a generation + End", func(n int) time.Duration {
		d := epoch.New(epoch.Aligned, 0)
		p := d.Join(0, 0)
		p.Begin()
		var spent time.Duration
		for range n {
			d.Publish(0)
			p.End()
			start := time.Now()
			p.Begin()
			spent += time.Since(start)
		}
		return spent - clock(n)
	}},
	{"Begin + End with 300 generations pending far ahead", func(n int) time.Duration {
		d := epoch.New(epoch.Aligned, 0)
		p := d.Join(0, 0)
		d.Join(1, 1<<40)
		for range 300 {
			d.Publish(0)
		}
		start := time.Now()
		for range n {
			p.Begin()
			p.End()
		}
		return time.Since(start)
	}},
	{"Park + Begin", func(n int) time.Duration {
		p := epoch.New(epoch.Aligned, 0).Join(0, 0)
		start := time.Now()
		for range n {
			p.Park()
			p.Begin()
		}
		return time.Since(start)
	}},
}

func members(d *epoch.Domain[int], n int) (list []*epoch.Participant[int]) {
	for id := range n {
		p := d.Join(id, 0)
		p.Begin()
		list = append(list, p)
	}
	return list
}

func nothing(*epoch.Domain[int], *epoch.Generation[int]) {}

func retire(d *epoch.Domain[int], old *epoch.Generation[int]) { d.Retire(old, 0).Passed() }

// publish is how long n publications take, with what follows each; the participants pass between them, off the clock.
func publish(n, participants int, then func(*epoch.Domain[int], *epoch.Generation[int])) time.Duration {
	d := epoch.New(epoch.Aligned, 0)
	list := members(d, participants)
	var spent time.Duration
	for range n {
		for _, p := range list {
			p.End()
			p.Begin()
		}
		start := time.Now()
		old := d.Current()
		d.Publish(0)
		then(d, old)
		spent += time.Since(start)
	}
	return spent - clock(n)
}

// clock is how long it takes to read the clock around nothing n times.
func clock(n int) (spent time.Duration) {
	for range n {
		start := time.Now()
		spent += time.Since(start)
	}
	return spent
}

func printSlowPaths(rounds int) {
	const n = 2000
	samples := make([][]float64, len(slowPaths))
	for range rounds {
		for i, s := range slowPaths {
			samples[i] = append(samples[i], float64(s.run(n).Nanoseconds())/n)
		}
	}
	fmt.Print("\nslow paths: ns, median (quartiles)\n\n| | |\n|---|---|\n")
	for i, s := range slowPaths {
		low, median, high := quartiles(samples[i])
		fmt.Printf("| %s | %.0f (%.0f–%.0f) |\n", s.name, median, low, high)
	}
}
