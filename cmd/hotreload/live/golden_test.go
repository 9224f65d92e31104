package live

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hotreload/engine/control"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// used is a model that has seen a host for a minute, with two swaps in it.
func used(t *testing.T, f *fakeSource, width, height int) model {
	t.Helper()
	f.status.Swaps = 0
	m := attached(t, f, width, height)
	for i := range 60 {
		if i == 20 || i == 50 {
			f.status.Swaps++
		}
		longest := time.Duration(0)
		if i == 21 {
			longest = 5 * time.Millisecond
		}
		f.workers = later(f.workers, 10, longest)
		m = after(t, m, time.Second)
	}
	g := f.status.Generation
	for _, ev := range []control.Event{
		{Kind: "swapped", Generation: &control.Generation{Number: 2, Library: "flock.so", Hash: g.Hash}},
		{Kind: "reclaimed", Generation: &control.Generation{Number: 1, Library: "flock.so", Hash: g.Hash}, Seconds: map[string]float64{
			"pause": 350e-6,
		}},
		{Kind: "changed", Paths: []string{"/src/flock.c"}},
		{Kind: "built"},
		{Kind: "swapped", Generation: g, Seconds: map[string]float64{
			"watch": 210e-6, "build": 57e-3, "settle": 1e-3, "inspect": 2.1e-3, "trial": 3.8e-3, "load": 270e-6, "guard": 28e-6,
			"publish": 4e-6, "total": 65e-3,
		}},
		{Kind: "reclaimed", Generation: &control.Generation{Number: 2, Library: "flock.so", Hash: g.Hash}, Seconds: map[string]float64{
			"grace": 1.2, "reclaim": 400e-6, "pause": 41e-6,
		}},
	} {
		ev.Time = noon.Add(50 * time.Second)
		m = run(t, m, eventMsg(ev))
	}
	return m
}

// failed has the last change not build.
func failed(t *testing.T, m model) model {
	for _, ev := range []control.Event{
		{Kind: "changed", Paths: []string{"/src/flock.c"}},
		{Kind: "rejected", Stage: "build", Place: "flock.c:83:27", Error: "error: expected ';' before '}' token", Seconds: map[string]float64{
			"watch": 207e-6, "build": 41e-3, "settle": 5e-3, "total": 46e-3,
		}},
	} {
		ev.Time = noon.Add(time.Minute)
		m = run(t, m, eventMsg(ev))
	}
	return m
}

// crowded gives the host more workers than there is room for, two of them stuck.
func crowded(f *fakeSource) {
	for i := range 40 {
		w := f.workers.Workers[i%8]
		w.Worker = 8 + i
		f.workers.Workers = append(f.workers.Workers, w)
	}
	f.workers.Workers[1].Stuck, f.workers.Workers[30].Stuck = 3.2, 64
}

// TestFrames compares frames with those in testdata; -update writes them anew.
func TestFrames(t *testing.T) {
	for name, make := range map[string]func(*testing.T) model{
		"60x16":  func(t *testing.T) model { return used(t, newFake(), 60, 16) },
		"80x24":  func(t *testing.T) model { return used(t, newFake(), 80, 24) },
		"120x40": func(t *testing.T) model { return used(t, newFake(), 120, 40) },
		"200x60": func(t *testing.T) model { return used(t, newFake(), 200, 60) },
		"59x16":  func(t *testing.T) model { return used(t, newFake(), 59, 16) },
		"failed": func(t *testing.T) model { return failed(t, used(t, newFake(), 60, 16)) },
		"nothing": func(t *testing.T) model {
			return run(t, newModel(t.Context(), Config{Host: "here"}), tea.WindowSizeMsg{Width: 80, Height: 24})
		},
		"crowded": func(t *testing.T) model {
			f := newFake()
			crowded(f)
			f.status.Pin, f.status.Paused, f.status.Pinned = true, true, 1
			return used(t, f, 80, 24)
		},
		"faulted": func(t *testing.T) model {
			m := used(t, newFake(), 80, 24)
			m = run(t, m, eventMsg{Kind: "faulted", Stage: "run", Error: "SIGSEGV in tick at flock.so+0x1234 in shard 12"})
			return run(t, m, eventMsg{Kind: "rolled-back", Generation: m.status.Generation})
		},
		"lost": func(t *testing.T) model {
			m := run(t, used(t, newFake(), 80, 24), lostMsg{errors.New("cannot reach the host: connection refused")})
			m.now = m.now.Add(42 * time.Second)
			return m
		},
		"help": func(t *testing.T) model { return press(t, used(t, newFake(), 80, 24), "?") },
		"log":  func(t *testing.T) model { return press(t, used(t, newFake(), 80, 24), "l") },
	} {
		t.Run(name, func(t *testing.T) {
			m := make(t)
			golden(t, name, ansi.Strip(m.frame()))
			if got := m.View(); got.Content != m.frame() || !got.AltScreen {
				t.Error("the view is not the frame on a screen of its own")
			}
			if w, h := size(m.frame()); w > m.width || h > m.height {
				t.Errorf("the frame has %d×%d, the window %d×%d", w, h, m.width, m.height)
			}
		})
	}
}

// TestColours compares what a terminal gets, with and without NO_COLOR.
func TestColours(t *testing.T) {
	for name, env := range map[string][]string{
		"colour":   {"TERM=xterm-256color"},
		"NO_COLOR": {"TERM=xterm-256color", "NO_COLOR=1"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w := colorprofile.Writer{Forward: &out, Profile: colorprofile.Env(env)}
			m := failed(t, used(t, newFake(), 80, 24))
			if _, err := w.WriteString(m.frame()); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.String())
		})
	}
}

// TestEveryWindowIsFilled tries sizes and states for frames that do not fit.
func TestEveryWindowIsFilled(t *testing.T) {
	f := newFake()
	crowded(f)
	full := failed(t, used(t, f, 80, 24))
	for width := 1; width < 220; width += 9 {
		for height := 1; height < 70; height += 5 {
			for _, m := range []model{full, press(t, full, "?"), press(t, full, "l"), newModel(t.Context(), Config{})} {
				m.width, m.height = width, height
				m = m.move(3)
				if w, h := size(m.frame()); w > width || h > height || m.fits() && h != height {
					t.Fatalf("the frame has %d×%d, the window %d×%d", w, h, width, height)
				}
			}
		}
	}
}

func size(frame string) (width, height int) {
	lines := bytes.Split([]byte(frame), []byte("\n"))
	for _, line := range lines {
		width = max(width, ansi.StringWidth(string(line)))
	}
	return width, len(lines)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("%s: got\n%s\nexpected\n%s(go test -update writes it anew)", path, got, want)
	}
}
