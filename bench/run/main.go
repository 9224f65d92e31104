// Command run runs the benchmarks. Build it with cgo to have cgo in the comparison; bench/peers has more to compare.
package main

import (
	"os"

	"hotreload/bench/command"
)

func main() { os.Exit(command.Run(os.Args[1:], nil, os.Stdout, os.Stderr)) }
