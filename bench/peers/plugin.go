package main

import (
	_ "embed" // for the source of the plugin
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"plugin"

	"hotreload/bench/call"
)

//go:embed goplugin/tick.go
var goSource []byte

// openGoPlugin builds the tick as a plugin of Go and opens it. Such a plugin cannot be closed.
func openGoPlugin(dir string) ([]call.Peer, func(), error) {
	from, path := filepath.Join(dir, "tick.go"), filepath.Join(dir, "tick.so")
	if err := os.WriteFile(from, goSource, 0o600); err != nil {
		return nil, nil, err
	}
	build := exec.Command("go", "build", "-buildmode=plugin", "-o", path, from)
	if out, err := build.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("%w\n%s", err, out)
	}
	p, err := plugin.Open(path)
	if err != nil {
		return nil, nil, err
	}
	symbol, err := p.Lookup("Tick")
	if err != nil {
		return nil, nil, err
	}
	type states = []struct {
		Time         float64
		Ticks, Build uint64
	}
	tick, ok := symbol.(func(states, float64))
	if !ok {
		return nil, nil, fmt.Errorf("Tick is a %T", symbol)
	}
	all := make(states, shards)
	return []call.Peer{
		{Way: call.Way{Name: "Go plugin", Shards: 1}, Clock: call.Processor, Call: func() { tick(all[:1], dt) }},
		{Way: call.Way{Name: "Go plugin", Shards: shards}, Clock: call.Processor, Call: func() { tick(all, dt) }},
	}, func() {}, nil
}
