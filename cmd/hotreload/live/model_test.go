package live

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"hotreload/engine/control"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// noon is when the tests begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// run has the model take a message, and then what comes of it; ticks are not waited for.
func run(t *testing.T, m model, msg tea.Msg) model {
	t.Helper()
	next, cmd := m.Update(msg)
	return settle(t, next.(model), cmd)
}

func settle(t *testing.T, m model, cmd tea.Cmd) model {
	t.Helper()
	if cmd == nil {
		return m
	}
	switch msg := cmd().(type) {
	case nil, tickMsg, tea.QuitMsg:
		return m
	case tea.BatchMsg:
		for _, c := range msg {
			m = settle(t, m, c)
		}
		return m
	default:
		return run(t, m, msg)
	}
}

// press has it take a key.
func press(t *testing.T, m model, key string) model {
	t.Helper()
	special := map[string]rune{"left": tea.KeyLeft, "right": tea.KeyRight, "up": tea.KeyUp, "down": tea.KeyDown, "esc": tea.KeyEscape, "home": tea.KeyHome, "end": tea.KeyEnd}
	k := tea.KeyPressMsg{Code: special[key]}
	switch {
	case key == "ctrl+c":
		k = tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
	case k.Code == 0:
		k = tea.KeyPressMsg{Code: rune(key[0]), Text: key}
	}
	if k.String() != key {
		t.Fatalf("key %q is called %q", key, k)
	}
	return run(t, m, k)
}

// attached is a model that has seen the host and its state.
func attached(t *testing.T, f *fakeSource, width, height int) model {
	t.Helper()
	m := newModel(t.Context(), Config{Host: "127.0.0.1:7788"})
	m.now = noon
	m = run(t, m, tea.WindowSizeMsg{Width: width, Height: height})
	m = run(t, m, connectedMsg{f})
	m = after(t, m, 0)
	f.asked = nil
	return m
}

// after has time pass, and the view ask again.
func after(t *testing.T, m model, d time.Duration) model {
	t.Helper()
	m.now = m.now.Add(d)
	m.pictures.next, m.states.next = m.now, m.now
	m, cmd := m.ask()
	return settle(t, m, cmd)
}

func shows(m model, text string) bool { return strings.Contains(ansi.Strip(m.frame()), text) }

func TestKeysDoWhatTheHelpSays(t *testing.T) {
	f := newFake()
	m := attached(t, f, 80, 24)
	for _, c := range []struct {
		key, asks, shows string
	}{
		{"r", "reload", "✓ reload: unchanged, generation 3 runs"},
		{"b", "rollback 0", "✓ rollback: rolled-back, generation 3 runs"},
		{"p", "pause", "✓ pause: stands after 12345 ticks"},
		{"p", "resume", "✓ resume: runs on"},
		{"right", "state 1 1", "shard 1 of 0 to 63"},
		{"]", "state 2 1", "shard 2 of 0 to 63"},
		{"left", "state 1 1", "shard 1 of 0 to 63"},
		{"[", "state 0 1", "shard 0 of 0 to 63"},
		{"[", "state 63 1", "shard 63 of 0 to 63"},
		{"]", "state 0 1", "shard 0 of 0 to 63"},
		{"end", "state 63 1", "shard 63 of 0 to 63"},
		{"home", "state 0 1", "shard 0 of 0 to 63"},
		{"?", "", "build now and swap in what has changed"},
		{"?", "", "score"},
		{"?", "", "end"},
		{"esc", "", "score"},
		{"esc", "", "score"},
		{"x", "", "score"},
	} {
		f.asked = nil
		m = press(t, m, c.key)
		if got := strings.Join(f.asked, ", "); got != c.asks {
			t.Errorf("%s: asked for %q, expected %q", c.key, got, c.asks)
		}
		if !shows(m, c.shows) {
			t.Errorf("%s: expected %q in\n%s", c.key, c.shows, ansi.Strip(m.frame()))
		}
		if c.asks == "pause" || c.asks == "resume" {
			m = after(t, m, refresh) // for the next key to know
		}
	}
	m = press(t, m, "l")
	if shows(m, "score") || shows(m, "late") || !shows(m, "log") {
		t.Errorf("l: expected the log alone in\n%s", ansi.Strip(m.frame()))
	}
	if m = press(t, m, "l"); !shows(m, "score") {
		t.Errorf("l again: expected everything in\n%s", ansi.Strip(m.frame()))
	}
}

func TestQuitKeys(t *testing.T) {
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: 'c', Mod: tea.ModCtrl}} {
		m, cmd := attached(t, newFake(), 80, 24).Update(key)
		if cmd == nil || cmd() != (tea.QuitMsg{}) || m.(model).frame() != "" {
			t.Errorf("%v does not quit, or leaves something behind", key)
		}
	}
}

func TestFieldsScroll(t *testing.T) {
	m := attached(t, newFake(), 60, 16)
	if !shows(m, "score") || shows(m, "a_field_with_quit…") {
		t.Fatalf("expected the first fields in\n%s", ansi.Strip(m.frame()))
	}
	for range 20 {
		m = press(t, m, "down")
	}
	if shows(m, "score") || !shows(m, "a_field_with_quit…") {
		t.Errorf("expected the last fields in\n%s", ansi.Strip(m.frame()))
	}
	if m = press(t, m, "k"); m.scroll != m.lastScroll()-1 {
		t.Errorf("scrolled to %d after one up from the end, %d", m.scroll, m.lastScroll())
	}
}

func TestAKeyThatFails(t *testing.T) {
	f := newFake()
	m := attached(t, f, 80, 24)
	f.err = &control.Problem{Detail: "expected the role operate, got read", Status: 403}
	for key, name := range map[string]string{"r": "reload", "b": "rollback", "p": "pause"} {
		if m = press(t, m, key); !shows(m, "✗ "+name+": expected the role operate, got read") {
			t.Errorf("%s: expected the problem in\n%s", key, ansi.Strip(m.frame()))
		}
	}
	f.err = &control.Problem{Detail: "error: expected ';'", Stage: "build", Result: "rejected"}
	if m = press(t, m, "r"); !shows(m, "✗ reload: rejected at build: error: expected ';'") {
		t.Errorf("expected the stage in\n%s", ansi.Strip(m.frame()))
	}
	m.now = m.now.Add(noticeTime)
	if !shows(m, "r reload") {
		t.Errorf("expected the keys again in\n%s", ansi.Strip(m.frame()))
	}
}

func TestOneActionAtATime(t *testing.T) {
	f := newFake()
	m := attached(t, f, 80, 24)
	next, cmd := m.Update(tea.KeyPressMsg{Code: 'r', Text: "r"})
	if m = next.(model); !shows(m, "reload …") {
		t.Errorf("expected that it is under way in\n%s", ansi.Strip(m.frame()))
	}
	if m = press(t, m, "b"); !shows(m, "✗ rollback: wait for the reload") || len(f.asked) > 0 {
		t.Errorf("asked for %v, expected a refusal in\n%s", f.asked, ansi.Strip(m.frame()))
	}
	if m = settle(t, m, cmd); m.busy != "" {
		t.Errorf("%s is still under way", m.busy)
	}
}

func TestConnectionIsLostAndComesBack(t *testing.T) {
	f := newFake()
	m := attached(t, f, 80, 24)
	m = run(t, m, eventMsg{Kind: "swapped", Generation: f.status.Generation, Time: noon})
	m = run(t, m, lostMsg{errors.New("cannot reach the host: connection refused")})
	m.now = m.now.Add(3 * time.Second)
	for _, text := range []string{"✗ no connection", "✗ cannot reach the host: connection refused; trying again for 3.0s", "generation 3", "swapped"} {
		if !shows(m, text) {
			t.Errorf("expected %q in\n%s", text, ansi.Strip(m.frame()))
		}
	}
	if m = press(t, m, "r"); !shows(m, "✗ reload: there is no connection") {
		t.Errorf("expected a refusal in\n%s", ansi.Strip(m.frame()))
	}

	// An attempt that fails forgets nothing.
	dead := newFake()
	dead.err = errors.New("cannot reach the host: timeout")
	m = run(t, m, connectedMsg{dead})
	m = run(t, m, lostMsg{dead.err})
	if !shows(m, "swapped") || !shows(m, "no connection") {
		t.Errorf("expected what was known in\n%s", ansi.Strip(m.frame()))
	}

	// The answer to an old connection is none to the new one.
	again := newFake()
	again.status.PID, again.status.Ticks = 4712, 5
	m = run(t, m, connectedMsg{again})
	m = run(t, m, pictureMsg{source: f, err: errors.New("too late")})
	m = run(t, m, eventMsg{Kind: "running", Generation: f.status.Generation, Time: noon})
	if shows(m, "✗ no connection") || !shows(m, "tick 5") || shows(m, "swapped:") {
		t.Errorf("expected the new host alone in\n%s", ansi.Strip(m.frame()))
	}
}

func TestItAsksOnlyForWhatIsShown(t *testing.T) {
	f := newFake()
	m := attached(t, f, 80, 24)
	for name, hide := range map[string]func(model) model{
		"help":   func(m model) model { return press(t, m, "?") },
		"window": func(m model) model { return run(t, m, tea.WindowSizeMsg{Width: 59, Height: 24}) },
		"log":    func(m model) model { return press(t, m, "l") },
	} {
		hidden := hide(m)
		f.asked = nil
		if after(t, hidden, time.Second); len(f.asked) > 0 {
			t.Errorf("%s: asked for %v", name, f.asked)
		}
	}
	m.pictures.under, m.states.under = true, true
	m.now = m.now.Add(time.Minute)
	if _, cmd := m.ask(); cmd != nil {
		t.Error("asked again before the answer")
	}
	m.pictures = asking{}
	m = m.seen(pictureMsg{source: f, took: 200 * time.Millisecond})
	if want := m.now.Add(800 * time.Millisecond); m.pictures.next != want {
		t.Errorf("asks again at %v after an answer that took 200ms, expected %v", m.pictures.next, want)
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{json.Number("-5"), "-5"}, {json.Number("18446744073709551615"), "18446744073709551615"},
		{json.Number("0.30000000000000004"), "0.3"}, {"NaN", `"NaN"`}, {nil, "null"}, {true, "true"},
		{[]any{json.Number("1.23456789"), "x"}, `[1.2346 "x"]`}, {map[string]any{"a": json.Number("1")}, `{"a":1}`},
	} {
		if got := valueText(c.value, digitsAlone); got != c.want {
			t.Errorf("%v: %s, expected %s", c.value, got, c.want)
		}
	}
}

func TestAStateWithoutFieldsIsShownAsBytes(t *testing.T) {
	f := newFake()
	m := attached(t, f, 80, 24)
	bytes := control.State{Tick: 5, Size: 20, Shards: []control.Shard{{Hex: strings.Repeat("0f", 20)}}}
	m = run(t, m, stateMsg{source: f, state: bytes})
	if !shows(m, "0000  "+strings.Repeat("0f", 16)) || !shows(m, "0010  "+strings.Repeat("0f", 4)) {
		t.Errorf("expected the bytes in\n%s", ansi.Strip(m.frame()))
	}
	m = run(t, m, stateMsg{source: f, err: errors.New("is it stuck in a tick?")})
	if !shows(m, "is it stuck in a tick?") || !shows(m, "0f0f") {
		t.Errorf("expected the error, and the bytes that were, in\n%s", ansi.Strip(m.frame()))
	}
}
