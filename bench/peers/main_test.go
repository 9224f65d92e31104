package main

import (
	"os"
	"testing"

	"hotreload/bench/call"
)

func TestMain(m *testing.M) {
	if !served() {
		os.Exit(m.Run())
	}
}

func TestPeersTick(t *testing.T) {
	for _, peer := range []struct {
		name string
		open func(string) ([]call.Peer, func(), error)
	}{
		{"wazero", openWazero}, {"go-plugin", openGRPC}, {"plugin", openGoPlugin},
	} {
		t.Run(peer.name, func(t *testing.T) {
			peers, done, err := peer.open(t.TempDir())
			if err != nil {
				t.Skip(err)
			}
			defer done()
			for _, p := range peers {
				p.Call() // panics when it fails
				if p.Clock() < 0 {
					t.Error("a clock that runs backwards")
				}
			}
		})
	}
}
