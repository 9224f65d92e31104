package control

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hotreload/engine"
	"hotreload/engine/trial"

	"golang.org/x/sync/errgroup"
)

// crowd returns usual, or all when HOTRELOAD_STRESS asks for more than a test suite has time for.
func crowd(usual, all int) int {
	if os.Getenv("HOTRELOAD_STRESS") != "" {
		return all
	}
	return usual
}

// Hundreds, with HOTRELOAD_STRESS set a thousand, read events while libraries are swapped, a tenth of them never do, and
// connections are left half open: who reads misses nothing, and every tick counts once.
func TestReadersDuringSwapsDisturbNoTick(t *testing.T) {
	const pushes = 4
	readers, deaf := crowd(270, 900), crowd(30, 100)
	_, s, dir := runPlugin(t, stepping, engine.Config{Shards: 4, Workers: 2, ProbationTicks: 1}, Config{})
	c, ctx := clientOf(t, s), t.Context()
	ask := func() net.Conn {
		conn := dial(t, s)
		if _, err := fmt.Fprint(conn, "GET /v1/events HTTP/1.1\r\nHost: hotreload\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	for range deaf {
		ask()
		if _, err := fmt.Fprint(dial(t, s), "POST /v1/artifacts?name=a.so HTTP/1.1\r\nHost: hotr"); err != nil { // half open
			t.Fatal(err)
		}
	}
	var group errgroup.Group
	for range readers {
		conn := ask()
		group.Go(func() error {
			swaps, last := 0, 0
			for lines := bufio.NewScanner(conn); lines.Scan(); {
				if id, ok := strings.CutPrefix(lines.Text(), "id: "+s.run+"-"); ok {
					if id != fmt.Sprint(last+1) {
						return fmt.Errorf("event %s after %d", id, last)
					}
					last++
				}
				if lines.Text() == "event: swapped" {
					if swaps++; swaps == pushes {
						return nil
					}
				}
			}
			return errors.New("the stream has ended")
		})
	}
	eventually(t, "readers", func() bool { return len(s.streams) == readers+deaf })
	for i := range pushes {
		if v, err := c.Push(ctx, shipmentOf(t, stepping(t, dir, 2+i%2))); err != nil || v.Result != ResultSwapped {
			t.Fatalf("push %d: %+v %v", i, v, err)
		}
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	account(t, c, func(generation int) int64 { return []int64{1, 2, 3, 2, 3}[generation-1] })
}

// A push that the host's disk has no room for is refused with that reason; nothing of it stays, and the next one fits.
func TestPushToAFullDisk(t *testing.T) {
	full := t.TempDir()
	if err := syscall.Mount("tmpfs", full, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("cannot mount a small disk, which takes root: %v", err)
	}
	mounted := t.TempDir() // its cleanup runs after that of the host
	t.Cleanup(func() {
		if err := syscall.Unmount(full, 0); err != nil {
			t.Errorf("%s: %v", mounted, err)
		}
	})
	host, s, dir := runPlugin(t, stepping, engine.Config{Trial: trial.Off, ProbationTicks: 1, RunDir: full}, Config{})
	c, ctx := clientOf(t, s), t.Context()
	for range 3 {
		_, err := c.Push(ctx, shipment(strings.Repeat("x", 2<<20)))
		wantProblem(t, err, "disk-full")
		if p := problemIn(t, err); p.Status != 507 {
			t.Errorf("status %d", p.Status)
		}
	}
	left, err := filepath.Glob(filepath.Join(full, "*", "push-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v stay behind: %v", left, err)
	}
	if v, err := c.Push(ctx, shipmentOf(t, stepping(t, dir, 2))); err != nil || v.Result != ResultSwapped {
		t.Fatalf("after it: %+v %v", v, err)
	}
	ticks := host.Status().Ticks
	eventually(t, "ticks", func() bool { return host.Status().Ticks > ticks })
}
