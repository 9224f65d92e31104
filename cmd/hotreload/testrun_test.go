package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func needCompiler(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler")
	}
}

// TestGoldenPath, and the edits of the demonstration.
func TestGoldenPath(t *testing.T) {
	needCompiler(t)
	code, stdout, stderr := invoke(nil, "test", filepath.Join("..", "..", "logic"))
	if code != 0 || strings.Count(stdout, "ok ") != 2 || stderr != "" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestPluginScripts(t *testing.T) {
	needCompiler(t)
	code, stdout, stderr := invoke(nil, "test", filepath.Join("testdata", "plugin"))
	if code != 0 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// counting is a plugin for scripts, behind the commands. Its first tick is what %s stands for.
const counting = `
-- plugin.c --
#include "logic.h"
#include <unistd.h>
typedef struct { int n; } state_t;
static void init(void *p) { ((state_t *)p)->n = 0; }
static void tick(void *p, double dt) { (void)dt; state_t *s = p; /* here */ s->n++; }
static void shutdown(void *p) { /* end */ }
static const logic_field_t fields[] = { LOGIC_FIELD_SHOWN(state_t, n) };
static logic_api_t api = { .api_version = 1, .api_revision = 1, .state_size = sizeof(state_t), .init = init, .tick = tick,
    .shutdown = shutdown, .fields = fields, .field_count = 1 };
LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
`

func TestFailedScriptsSayWhere(t *testing.T) {
	needCompiler(t)
	const start = "start --watch plugin.c --build 'cc -shared -fPIC -o plugin.so plugin.c' --trial off\n"
	const swap = "expect swap\n"
	cases := []struct{ name, script, want string }{
		{"another value", start + "tick 3\nexpect n=4\n", `:3: expect: expected n=4, got n=3 in shard 0 after 3 ticks`},
		{"a value that should not be", start + "tick\n! expect n=1", `:3: expect: expected not n=1, got n=1 in shard 0 after 1 ticks`},
		{"no such field", start + "expect m=0", `:2: expect: no field "m" in the state; there are: n`},
		{"no comparison", start + "expect n", `:2: expect: expected FIELD=VALUE, also with .*, got "n"`},
		{"no number", start + "expect n=many", `:2: expect: n=many: expected a number, got "many"`},
		{"no such shard", start + "expect shard 1 n=0", `:2: expect: expected shards among 0 to 0`},
		{"unchanged instead of a swap", start + swap, `:2: expect: expected swap, got unchanged: the build left`},
		{"a swap instead of a refusal", start + "edit plugin.c n++ n--\nexpect refusal", `:3: expect: expected refusal, got a swap`},
		{"a refusal instead of a swap", start + "edit plugin.c n++ n++)\n" + swap, `:3: expect: expected swap, got a refusal, build: error`},
		{"refused elsewhere", start + "edit plugin.c n++ n++)\nexpect refusal guard", `:3: expect: expected a refusal by guard, got a refusal, build:`},
		{"refused otherwise", start + "edit plugin.c n++ n++)\nexpect refusal build abi", `:3: expect: expected a refusal that matches "abi", got`},
		{"an edit that fits nowhere", start + "edit plugin.c nowhere here", `:2: edit: plugin.c has "nowhere" 0 times, expected it once`},
		{"a first build that fails", "edit plugin.c n++ n++)\n" + start, `:2: start: build: error`},
		{"a first build that does not", "! " + start, `:1: start: the first build runs: expected a refusal`},
		{"a fault", start + "edit plugin.c '/* here */' '__builtin_trap();'\n" + swap + "tick\ntick\n",
			`:5: tick: unexpected fault: SIGILL .*, shard 0, tick 0`},
		{"a fault in the last tick", start + "edit plugin.c '/* here */' '__builtin_trap();'\n" + swap + "tick\n", `at the end: unexpected fault`},
		{"a fault at the end", "edit plugin.c '/* end */' '__builtin_trap();'\n" + start, `at the end: unexpected fault: SIGILL in shutdown`},
		{"no fault", start + "tick\nexpect fault", `:3: expect: expected a fault, got none`},
		{"another exit code", start + "edit plugin.c n++ n++)\nexpect refusal\nexit", `:4: exit: expected exit code 0, got 9`},
		{"no host", "tick\n", `:1: tick: no host: start one first`},
		{"two hosts", start + start, `:2: start: a host runs already`},
		{"a bad flag", "start --watch plugin.c --shard 3\n", `:1: start: unknown flag --shard: did you mean --shards\?`},
		{"a bad value", "start --watch plugin.c --build cc --shards 0\n", `:1: start: --shards: expected a whole number`},
		{"a number of ticks", "start --watch plugin.c --build cc --ticks 3\n", `:1: start: --ticks: expected none`},
		{"a first refusal that is none of a build", "start --watch gone.c --build cc\n", `:1: start: --watch: expected existing files`},
		{"an unknown command", "ticks 3\n", `:1: unknown command "ticks" \(did you mean "tick"\?\)`},
	}
	t.Chdir(t.TempDir())
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			write(t, "script.txtar", c.script+counting)
			code, stdout, stderr := invoke(nil, "test", "script.txtar")
			if code != 1 || stderr != "" || !strings.Contains(stdout, "\nfailed  script.txtar") {
				t.Errorf("exit code %d, stderr %q, stdout:\n%s", code, stderr, stdout)
			}
			if !regexp.MustCompile(`(?m)^FAIL: script.txtar.*` + c.want).MatchString(stdout) {
				t.Errorf("expected a line like %s, got:\n%s", c.want, stdout)
			}
			if strings.Contains(stdout, "PASS") {
				t.Errorf("a script that failed says that it passed:\n%s", stdout)
			}
		})
	}
}

func TestScriptsThatHangEnd(t *testing.T) {
	needCompiler(t)
	t.Chdir(t.TempDir())
	write(t, "script.txtar", "start --watch plugin.c --build 'cc -shared -fPIC -o plugin.so plugin.c' --trial off\n"+
		"edit plugin.c '/* here */' 'usleep(2000000);'\nexpect swap\ntick 2\n"+counting)
	code, stdout, _ := invoke(nil, "test", "--timeout", "1s", "script.txtar")
	// On a slow machine it does not get to the tick.
	if want := regexp.MustCompile(`script.txtar:\d: \w+: the script has taken more than 1s \(--timeout\)`); code != 1 || !want.MatchString(stdout) {
		t.Errorf("exit code %d, expected %v in:\n%s", code, want, stdout)
	}
}

func TestTestInJSONIsOneLineForEachScript(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"scripts", "empty"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "scripts/a.txtar", "exists $WORK/logic.h\n")
	write(t, "scripts/b.txtar", "skip 'not today'\n")
	write(t, "scripts/c.txtar", "exists nothing\n")
	code, stdout, _ := invoke(nil, "test", "-o", "json", "scripts")
	if code != 1 {
		t.Errorf("exit code %d, expected 1", code)
	}
	var results []string
	for line := range strings.Lines(stdout) {
		var report scriptReport
		if err := json.Unmarshal([]byte(line), &report); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		results = append(results, report.Script+" "+report.Result)
	}
	if got, want := strings.Join(results, ", "), "scripts/a.txtar ok, scripts/b.txtar skipped, scripts/c.txtar failed"; got != want {
		t.Errorf("got %s, expected %s", got, want)
	}
	for _, arg := range []string{"empty", "nothing", ""} {
		args := []string{"test", arg}
		if arg == "" {
			args = args[:1]
		}
		if code, _, stderr := invoke(nil, args...); code != 2 || !strings.Contains(stderr, "expected") {
			t.Errorf("%q: exit code %d, %s", arg, code, stderr)
		}
	}
}
