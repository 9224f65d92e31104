package plugin

import (
	"bytes"
	"context"
	_ "embed" // for the plugin's source
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"unsafe"
)

//go:embed source/load.c
var source []byte

// mark is the value of `build` in source/load.c, which Stamp replaces.
const mark = 0x68a7c0de5eed1e55

// State is the plugin's state_t.
type State struct {
	Time  float64
	Ticks uint64 // ticks run
	Build uint64 // the number given to Stamp of the library that ran the last of them
}

// StateSize is the size of a State in bytes.
const StateSize = uint64(unsafe.Sizeof(State{}))

// Names of functions that the plugin exports besides logic_get_api.
const (
	Tick = "tick" // void tick(State *, double dt)
	Loop = "loop" // void loop(State *base, size_t stride, size_t count, double rounds)
)

// Thread is the name that init gives to the thread which calls it.
const Thread = "bench-worker"

// Template is a compiled plugin from which any number of different libraries can be made without a compiler.
type Template struct {
	image []byte
	at    int // where the mark is
}

// Compile compiles the plugin with cc in dir, which must exist.
func Compile(ctx context.Context, dir string) (*Template, error) {
	from, to := filepath.Join(dir, "load.c"), filepath.Join(dir, "load.so")
	if err := os.WriteFile(from, source, 0o600); err != nil {
		return nil, fmt.Errorf("write the plugin's source: %w", err)
	}
	if out, err := exec.CommandContext(ctx, "cc", "-O2", "-shared", "-fPIC", "-o", to, from).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile the plugin with cc: %w\n%s", err, out)
	}
	image, err := os.ReadFile(to)
	if err != nil {
		return nil, fmt.Errorf("read the compiled plugin: %w", err)
	}
	pattern := binary.NativeEndian.AppendUint64(nil, mark)
	if n := bytes.Count(image, pattern); n != 1 {
		return nil, fmt.Errorf("stamp the plugin: expected its mark once, found it %d times", n)
	}
	return &Template{image: image, at: bytes.Index(image, pattern)}, nil
}

// Stamp writes a library to path that differs from all others in what it writes to State.Build.
func (t *Template) Stamp(path string, build uint64) error {
	image := bytes.Clone(t.image)
	binary.NativeEndian.PutUint64(image[t.at:], build)
	if err := os.WriteFile(path, image, 0o700); err != nil {
		return fmt.Errorf("write library %d: %w", build, err)
	}
	return nil
}

// StampAll writes n libraries to dir, numbered from 1, and returns their paths.
func (t *Template) StampAll(dir string, n int) ([]string, error) {
	paths := make([]string, n)
	for i := range paths {
		paths[i] = filepath.Join(dir, fmt.Sprintf("load.%04d.so", i+1))
		if err := t.Stamp(paths[i], uint64(i+1)); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// StateOf views the bytes of a shard as the plugin's state. It panics when they are too few.
func StateOf(shard []byte) *State {
	_ = shard[StateSize-1]
	return (*State)(unsafe.Pointer(&shard[0])) // shards are aligned to 64 bytes
}
