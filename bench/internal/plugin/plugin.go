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

// Kind is a way in which a library of the plugin differs from the usual one.
type Kind int

// The kinds.
const (
	Usual  Kind = iota
	Faulty      // its tick faults FaultAfter ticks after its arrival
	Wide        // its state is a State with another member before it
	Large       // has relocations, as libraries of some size do
)

// relocations of a Large library: those of some 10 MB of C++.
const relocations = 200_000

// FaultAfter is the number of ticks that a Faulty library runs well: more than a trial gives it.
const FaultAfter = 20

// Template is a compiled plugin from which any number of different libraries can be made without a compiler.
type Template struct {
	image []byte
	at    int // where the mark is; negative: behind the end
}

// Compile compiles the plugin with cc in dir, which must exist.
func Compile(ctx context.Context, dir string) (*Template, error) { return CompileKind(ctx, dir, Usual) }

// CompileKind compiles the plugin in one of its kinds. All but the usual one, and what is exchanged with them, need the
// debug information that they are compiled with.
func CompileKind(ctx context.Context, dir string, kind Kind) (*Template, error) {
	from, to := filepath.Join(dir, "load.c"), filepath.Join(dir, "load.so")
	if err := os.WriteFile(from, source, 0o600); err != nil {
		return nil, fmt.Errorf("write the plugin's source: %w", err)
	}
	args := []string{"-O2", "-g", "-shared", "-fPIC", "-o", to, from}
	switch kind {
	case Faulty:
		args = append(args, fmt.Sprintf("-DFAULTY=%d", FaultAfter))
	case Wide:
		args = append(args, "-DWIDE")
	case Large:
		args = append(args, fmt.Sprintf("-DLARGE=%d", relocations))
	}
	if out, err := exec.CommandContext(ctx, "cc", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile the plugin with cc, which must be a C compiler: %w\n%s", err, out)
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

// Take makes a template of somebody else's library. What is made from it differs in bytes behind the end, which are no
// part of the library but of its hash.
func Take(path string) (*Template, error) {
	image, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the library: %w", err)
	}
	return &Template{image: image, at: -1}, nil
}

// Known tells whether the template is of this package's plugin, whose state is known.
func (t *Template) Known() bool { return t.at >= 0 }

// Stamp writes a library to path that differs from all others in what it writes to State.Build.
func (t *Template) Stamp(path string, build uint64) error {
	image := bytes.Clone(t.image)
	if t.Known() {
		binary.NativeEndian.PutUint64(image[t.at:], build)
	} else {
		image = binary.NativeEndian.AppendUint64(image, build)
	}
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
