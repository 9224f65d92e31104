// Package main is the tick of the benchmarks in Go, built with -buildmode=plugin. Its types have no names: those of a
// plugin are not its host's.
package main

// Tick is one tick of each of the states.
func Tick(states []struct {
	Time         float64
	Ticks, Build uint64
}, dt float64) {
	for i := range states {
		s := &states[i]
		s.Time += dt
		s.Ticks++
		s.Build = 1
	}
}

func main() {}
