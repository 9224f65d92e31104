package edit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hotreload/engine"

	"golang.org/x/sync/errgroup"
)

// build is the command that everybody runs.
const build = "cc -shared -fPIC -o plugin.so plugin.c"

// way is one way to get an edit to run.
type way struct {
	name string
	own  bool // runs in this process, where trials tell of builds too
	// start starts it in dir and returns what ends it; nil where a program is not there.
	start func(ctx context.Context, dir string) (stop func() error, err error)
}

// errAbsent is the error of a way whose program is not there.
var errAbsent = errors.New("not installed")

func ways(cr string) []way {
	list := []way{
		{name: "hotreload", own: true, start: host},
		{name: "entr, restart", start: func(ctx context.Context, dir string) (func() error, error) {
			return watched(ctx, dir, "echo plugin.c | entr -n -r sh -c '"+build+" && exec ./host ./plugin.so'", "entr")
		}},
		{name: "air, restart", start: func(ctx context.Context, dir string) (func() error, error) { return air(ctx, dir, 1000) }},
		{name: "air with a delay of 1 ms, restart", start: func(ctx context.Context, dir string) (func() error, error) {
			return air(ctx, dir, 1)
		}},
	}
	if cr != "" {
		list = append(list, way{name: "cr.h, entr builds", start: func(ctx context.Context, dir string) (func() error, error) {
			return crh(ctx, dir, cr)
		}})
	}
	return list
}

// host runs an Engine in this process. It ticks as often as the other hosts.
func host(ctx context.Context, dir string) (func() error, error) {
	e, err := engine.New(engine.Config{
		Watch: []string{filepath.Join(dir, "plugin.c")}, Build: build, Dir: dir, RunDir: dir, Tick: time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error { return e.Run(ctx) })
	return func() error { stop(); return group.Wait() }, nil
}

// air lets air build and restart the host after a delay in milliseconds; 1000 is its default.
func air(ctx context.Context, dir string, delay int) (func() error, error) {
	config := fmt.Sprintf(`root = "."
tmp_dir = "tmp"
[build]
cmd = %q
bin = "./host"
args_bin = ["./plugin.so"]
include_ext = ["c"]
delay = %d
`, build, delay)
	if err := os.WriteFile(filepath.Join(dir, ".air.toml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	return watched(ctx, dir, "exec air", "air")
}

// crh runs a host with cr.h, beside entr, which builds into a file that is renamed into its place.
func crh(ctx context.Context, dir, cr string) (func() error, error) {
	source, err := filepath.Abs(cr)
	if err != nil {
		return nil, err
	}
	if err := run(ctx, dir, fmt.Sprintf("g++ -O2 -I%q -o crhost crhost.cpp -ldl", source)); err != nil {
		return nil, err
	}
	guest := fmt.Sprintf("cc -DCR -I%q -shared -fPIC -o next.so plugin.c && mv next.so plugin.so", source)
	if err := run(ctx, dir, guest); err != nil {
		return nil, err
	}
	script := "./crhost ./plugin.so & echo plugin.c | entr -n -p sh -c " + quote(guest)
	return watched(ctx, dir, script, "entr", "g++")
}

// watched runs a shell command in a process group of its own, if the programs are there.
func watched(ctx context.Context, dir, script string, programs ...string) (func() error, error) {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return nil, errAbsent
		}
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // air ends its host, which has a group of its own
		time.Sleep(200 * time.Millisecond)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // it was killed
		return nil
	}, nil
}

func run(ctx context.Context, dir, script string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", script, err, out)
	}
	return nil
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
