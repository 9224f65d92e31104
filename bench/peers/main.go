package main

import (
	"fmt"
	"os"

	"hotreload/bench/call"
	"hotreload/bench/command"
)

func main() { os.Exit(run()) }

func run() int {
	if served() {
		return 0
	}
	dir, err := os.MkdirTemp("", "hotreload-peers-")
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var all []call.Peer
	for _, peer := range []struct {
		name string
		open func(dir string) (peers []call.Peer, done func(), err error)
	}{
		{"wazero", openWazero}, {"go-plugin", openGRPC}, {"plugin", openGoPlugin},
	} {
		peers, done, err := peer.open(dir)
		if err != nil {
			_, _ = fmt.Fprintf(os.Stderr, "%s: left out: %v\n", peer.name, err)
			continue
		}
		defer done()
		all = append(all, peers...)
	}
	return command.Run(os.Args[1:], all, os.Stdout, os.Stderr)
}

// shards is how many are ticked in one call where calls can be shared, as in package call.
const shards = 256

const dt = 0.001

// must panics: what is called here has been called before.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("peers: %v", err))
	}
}
