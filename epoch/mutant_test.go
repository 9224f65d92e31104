//go:build epochmutant

package epoch_test

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Broken code is found by running into the patience: it is short here.
const (
	patience       = 5 * time.Second
	wakeUpPatience = 2 * time.Second
)

// mutant is the package with one mistake. The names in capitals are those of the same mistake in the model.
type mutant struct {
	name  string
	edits []edit
	// caught is what the failure must say: a mutant that fails for another reason tests nothing.
	caught string
}

// edit replaces the one occurrence of old in file.
type edit struct{ file, old, new string }

const (
	freed      = "used after it was reclaimed|one of them"
	misaligned = "ran on epoch|although epoch"
	asleep     = "sleeps on|is still in use"
	lostLink   = "nil pointer dereference"
)

var mutants = []mutant{
	{"FREED_EARLY", []edit{
		{"grace.go", "max(old.until+ticks, old.Activation()+1)", "max(old.until+ticks, 1) - 1"},
	}, freed},
	{"UNMET_IGNORED", []edit{
		{"grace.go", "max(old.until+ticks, old.Activation()+1)", "old.until + ticks"},
	}, freed},
	{"UNMET_IGNORED, immediate", []edit{
		{"grace.go", "met != 0 && met < old.epoch || ", "met == 1<<40 || "},
	}, freed},
	{"LOOK_IGNORED, immediate", []edit{
		{"grace.go", " || s&parked != 0 && p.looked.Load() == s&^parked+1 {", " {"},
	}, freed},
	{"the tick at hand counts as passed, immediate", []edit{
		{"grace.go", "n.tick.Store(free(s) + ticks)", "n.tick.Store(s&^parked + ticks)"},
	}, freed},
	{"SLOTS_READ_FIRST", []edit{
		{"domain.go", "\t// The link first:", "\tleast := d.scan(prev.Activation())\n\t// The link first:"},
		{"domain.go", "g.seal(d.scan(prev.Activation()))", "g.seal(least)"},
	}, misaligned},
	{"SEALED_WITHOUT_FLOOR", []edit{{"generation.go", "max(least, floor)|sealed", "least|sealed"}}, misaligned},
	{"FLOOR_NOT_RAISED", []edit{
		{"generation.go", "case a > tick || g.activation.CompareAndSwap(a, tick+1):", "default:"},
	}, misaligned},
	{"FLOOR_WITHOUT_DEPARTED", []edit{{"domain.go", "\td.floor = max(d.floor, free(s))\n", ""}}, misaligned},
	{"CLOSE_BEGUN", []edit{{"domain.go", "d.floor = max(d.floor, free(s))", "d.floor = max(d.floor, s&^parked)"}}, misaligned},
	{"a tick that has begun may run what is published", []edit{
		{"participant.go", "\t\treturn word + 1\n", "\t\treturn word\n"},
	}, misaligned},
	{"REGISTERED_LATE", []edit{
		{"domain.go", "\td.participants.Store(&list)\n\treturn p\n", "\t_ = list\n\treturn p\n"},
		{"participant.go", "\tfor p.held != newest {", `	if first {
		p.domain.mu.Lock()
		list := append(append([]*Participant[T](nil), *p.domain.participants.Load()...), p)
		p.domain.participants.Store(&list)
		p.domain.mu.Unlock()
	}
	for p.held != newest {`},
	}, misaligned + "|" + freed + "|" + lostLink},
	{"ANNOUNCE_LATE", []edit{
		{"participant.go", "\tp.word.And(^uint64(parked))\n\ttick, newest, first := p.word.Load(), p.current.Load(), p.met.Load() == 0\n",
			"\tnewest := p.current.Load()\n\tp.word.And(^uint64(parked))\n\ttick, first := p.word.Load(), p.met.Load() == 0\n"},
	}, misaligned + "|" + freed},
	{"FAST_KEPT", []edit{{"participant.go", "\tp.fast = nil\n\tp.word.Or(parked)", "\tp.word.Or(parked)"}},
		misaligned + "|" + freed + "|End without Begin"},
	{"CUT_BY_NEWEST", []edit{{"domain.go", "met = min(met, p.met.Load())", "met = min(met, d.current.Load().epoch+p.met.Load()*0)"}}, lostLink},
	{"LINKED_LATE", []edit{
		{"domain.go", "\tprev.next.Store(g)\n\td.current.Store(g)\n", "\td.current.Store(g)\n\tprev.next.Store(g)\n"},
	}, lostLink},
	{"JOIN_BELOW_HORIZON", []edit{{"domain.go", "case tick < d.horizon:", "case false:"}}, freed + "|" + misaligned},
	{"the horizon stays when a grace period ends", []edit{
		{"grace.go", "\td.horizon = max(d.horizon, gr.retired.until)\n", ""},
	}, freed},
	{"the first slot is not looked at", []edit{
		{"waiter.go", "\tfor _, p := range list {\n\t\tif !g.reachedBy(p) {", "\tfor _, p := range list[min(1, len(list)):] {\n\t\tif !g.reachedBy(p) {"},
	}, freed},
	{"an activation is told before it is decided", []edit{
		{"generation.go", "\tif a&sealed == 0 {\n\t\tg.domain.mu", "\tif a == 1<<40 {\n\t\tg.domain.mu"},
	}, "seen after epoch"},
	{"WANTED_LATE", []edit{{"waiter.go", "for !done() {", "for first := true; first || !done(); first = false {"}}, asleep},
	{"WANTED_READ_EARLY", []edit{
		{"participant.go", "if p.word.Add(1) >= p.wanted.Load() {", "if wanted := p.wanted.Load(); p.word.Add(1) >= wanted {"},
	}, asleep},
	{"WANTED_RAISED_LATE", []edit{
		{"participant.go", "\tp.wanted.Store(nobody)\n\tkicked := false\n\tfor _, w := range *p.domain.waiters.Load() {",
			"\tkicked := false\n\tlist := *p.domain.waiters.Load()\n\tp.wanted.Store(nobody)\n\tfor _, w := range list {"},
	}, asleep},
	{"PARK_SILENT", []edit{{"participant.go", "if p.wanted.Load() != nobody {", "if p.wanted.Load() == 1<<40 {"}}, asleep},
	{"PARK_UNNOTED", []edit{{"waiter.go", "\t\tn.tick.Store(0)\n", ""}}, asleep},
	{"LEAVE_SILENT", []edit{{"domain.go", "if w.goal.reached(list) {", "if false {"}}, asleep},
	{"who joins does not know who waits", []edit{{"domain.go", "\t\tp.watch(w.goal)\n", "\t\t_ = w\n"}}, asleep},
	{"one waiter is woken for all", []edit{
		{"participant.go", "\t\t\tkicked = true\n", "\t\t\tkicked = true\n\t\t\tbreak\n"},
	}, asleep},
	{"the first waiter of a goal strikes out the others", []edit{
		{"waiter.go", "bool { return x == w }", "bool { return x.goal == w.goal }"},
	}, asleep},
}

// TestMutants shows that the stress tests find what they are for: each mutant, compiled with a chance to lose the
// processor around every atomic operation, must fail them with the message that belongs to it. The package without a
// mistake must pass under the same conditions. The sources have no hooks for this: the compiler is given edited copies.
func TestMutants(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		if out, failed := run(t, build(t, nil), 6*time.Second); failed {
			t.Fatalf("the package itself fails:\n%s", out)
		}
	})
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			binary := build(t, m.edits)
			for attempt, budget := 1, 3*time.Second; attempt <= 5; attempt, budget = attempt+1, 2*budget {
				out, failed := run(t, binary, budget)
				if !failed {
					continue
				}
				found := regexp.MustCompile(m.caught).FindString(out)
				if found == "" {
					t.Fatalf("caught, but not by %q:\n%s", m.caught, out)
				}
				t.Logf("caught at attempt %d: %s", attempt, found)
				return
			}
			t.Error("not caught")
		})
	}
}

// run runs the stress tests for about budget.
func run(t *testing.T, binary string, budget time.Duration) (out string, failed bool) {
	ctx, cancel := context.WithTimeout(t.Context(), budget+2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.run=^(TestStress|TestNoWakeUpIsLost)$", "-test.failfast")
	cmd.Env = append(os.Environ(), "HOTRELOAD_STRESS="+budget.String())
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("hangs:\n%s", text)
	}
	return string(text), err != nil
}

// build compiles this package's tests against its sources with edits and yields.
func build(t *testing.T, edits []edit) string {
	dir := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(here, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{
		filepath.Join(here, "yield.go"): write(t, dir, "yield.go", yield),
	}
	for _, path := range files {
		name := filepath.Base(path)
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(source)
		for _, e := range edits {
			if e.file != name {
				continue
			}
			if n := strings.Count(text, e.old); n != 1 {
				t.Fatalf("%s has %d times what the mutant replaces, want once: %q", name, n, e.old)
			}
			text = strings.Replace(text, e.old, e.new, 1)
		}
		replace[path] = write(t, dir, name, withYields(t, text))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "mutant.test")
	cmd := exec.Command("go", "test", "-c", "-tags=epochmutant", "-overlay", write(t, dir, "overlay.json", string(overlay)), "-o", binary, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

func write(t *testing.T, dir, name, text string) string {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const yield = `package epoch

import (
	"math/rand/v2"
	"runtime"
)

// yield gives the processor away at times, and at others dawdles.
func yield() {
	switch r := rand.Uint32(); {
	case r%32 == 0:
		runtime.Gosched()
	case r%32 < 4:
		for range r >> 24 {
			dawdle()
		}
	}
}

//go:noinline
func dawdle() {}

func yielded[V any](v V) V {
	yield()
	return v
}
`

// withYields surrounds every atomic operation of a source with yields.
func withYields(t *testing.T, source string) string {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	type insertion struct {
		at   int
		text string
	}
	var list []insertion
	surround := func(n ast.Node, before, after string) {
		list = append(list, insertion{fset.Position(n.Pos()).Offset, before}, insertion{fset.Position(n.End()).Offset, after})
	}
	statements := make(map[ast.Expr]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ExprStmt:
			statements[n.X] = true
		case *ast.CallExpr:
			if !isAtomic(n) {
				return true
			}
			if statements[n] {
				surround(n, "yield(); ", "; yield()")
			} else {
				surround(n, "yielded(", ")")
			}
		}
		return true
	})
	// From the end, so that offsets stay right. Nested calls end at different places: an argument before its call.
	slices.SortStableFunc(list, func(a, b insertion) int { return b.at - a.at })
	for _, i := range list {
		source = source[:i.at] + i.text + source[i.at:]
	}
	return source
}

func isAtomic(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"Load", "Store", "Add", "And", "Or", "CompareAndSwap"}, f.Sel.Name)
}
