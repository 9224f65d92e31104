package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"hotreload/bench/call"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// wasmSource is the tick of bench/internal/plugin for a target without a C library, and a batch as in logic.h.
const wasmSource = `
typedef struct { double time; unsigned long long ticks, build; } state_t;
static const volatile unsigned long long build = 1;
static state_t states[256];
__attribute__((export_name("tick"))) void tick(state_t *s, double dt) { s->time += dt; s->ticks++; s->build = build; }
__attribute__((export_name("batch"))) void batch(int n, double dt) { for (int i = 0; i < n; i++) tick(&states[i], dt); }
__attribute__((export_name("first"))) state_t *first(void) { return states; }
`

// openWazero compiles the tick to WebAssembly, which wazero compiles to machine code.
func openWazero(dir string) ([]call.Peer, func(), error) {
	from, to := filepath.Join(dir, "tick.c"), filepath.Join(dir, "tick.wasm")
	if err := os.WriteFile(from, []byte(wasmSource), 0o600); err != nil {
		return nil, nil, err
	}
	compile := exec.Command("clang", "--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry", "-o", to, from)
	if out, err := compile.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("clang with a WebAssembly target and lld are needed: %w\n%s", err, out)
	}
	image, err := os.ReadFile(to)
	if err != nil {
		return nil, nil, err
	}
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	done := func() { _ = runtime.Close(ctx) }
	module, err := runtime.Instantiate(ctx, image)
	if err != nil {
		done()
		return nil, nil, err
	}
	first, err := module.ExportedFunction("first").Call(ctx)
	if err != nil {
		done()
		return nil, nil, err
	}
	tick, batch := module.ExportedFunction("tick"), module.ExportedFunction("batch")
	stack := make([]uint64, 2)
	enter := func(f api.Function, argument uint64) func() {
		return func() {
			stack[0], stack[1] = argument, api.EncodeF64(dt)
			must(f.CallWithStack(ctx, stack))
		}
	}
	return []call.Peer{
		{Way: call.Way{Name: "wazero", Shards: 1}, Clock: call.Processor, Call: enter(tick, first[0])},
		{Way: call.Way{Name: "wazero", Shards: shards}, Clock: call.Processor, Call: enter(batch, shards)},
	}, done, nil
}
