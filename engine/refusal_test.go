package engine_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"hotreload/engine"
	"hotreload/engine/abi"
	"hotreload/engine/artifact"
	"hotreload/engine/native"
	"hotreload/engine/trial"
)

// badLibrary is a candidate that must be refused, and how.
type badLibrary struct {
	name    string
	library func(t *testing.T) library
	stage   engine.Stage
	check   func(t *testing.T, err error) // finds the stage's own error
	words   string                        // of the whole text, separated by |
}

// own checks that the error has one of type E in it that satisfies is.
func own[E error](is func(E) bool) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		var e E
		if !errors.As(err, &e) || !is(e) {
			t.Errorf("expected another %T in: %#v", e, err)
		}
	}
}

func failing(check artifact.Check) func(*testing.T, error) {
	return own(func(r *artifact.Refusal) bool {
		return r.Check == check && r.Expected != "" && r.Actual != "" && r.Hint != ""
	})
}

func mismatch(field string) func(*testing.T, error) {
	return own(func(m *abi.Mismatch) bool { return m.Field == field && m.Expected != "" && m.Actual != "" })
}

// built is testdata/probe.c with the given switches; a bad plugin is as good at counting as the running one but for
// that, so that a swap by mistake would not show otherwise.
func built(switches ...string) func(*testing.T) library {
	return func(t *testing.T) library { return probe(t, append([]string{"-DSTEP=1000"}, switches...)...) }
}

// damaged is a good library after damage.
func damaged(damage func(library) library) func(*testing.T) library {
	return func(t *testing.T) library { return damage(bytes.Clone(probe(t, "-DSTEP=1000"))) }
}

func bytesOf(text string) func(*testing.T) library {
	return func(*testing.T) library { return library(text) }
}

var badLibraries = []badLibrary{
	// Files that are no library for this machine.
	{"text", bytesOf("#!/bin/sh\necho no library\n"), engine.StageInspect, failing(artifact.CheckFormat), "logic.so|ELF"},
	{"empty", bytesOf("\n"), engine.StageInspect, failing(artifact.CheckFormat), "logic.so"},
	{"wrong machine", damaged(func(l library) library {
		binary.LittleEndian.PutUint16(l[18:], uint16(elf.EM_S390)) // e_machine
		return l
	}), engine.StageInspect, failing(artifact.CheckMachine), "logic.so|machine"},
	{"32 bits", damaged(func(l library) library {
		l[elf.EI_CLASS] = byte(elf.ELFCLASS32)
		return l
	}), engine.StageInspect, failing(artifact.CheckFormat), "64-bit"},
	{"a program", damaged(func(l library) library {
		binary.LittleEndian.PutUint16(l[16:], uint16(elf.ET_EXEC)) // e_type
		return l
	}), engine.StageInspect, failing(artifact.CheckType), "shared library"},
	{"only its first half", damaged(func(l library) library { return l[:len(l)/2] }),
		engine.StageInspect, failing(artifact.CheckComplete), "complete"},
	{"only its header", damaged(func(l library) library { return l[:64] }),
		engine.StageInspect, failing(artifact.CheckComplete), "complete"},
	{"no entry", built("-DENTRY=get_logic_api"), engine.StageInspect, failing(artifact.CheckEntry), "logic_get_api"},

	// Libraries that the loader refuses.
	{"undefined symbol", built("-DUNDEFINED"), engine.StageLoad,
		own(func(e *native.LoadError) bool { return strings.Contains(e.Reason, "defined_nowhere") && e.Hint != "" }), "undefined symbol"},

	// Plugins with an API that the guard refuses.
	{"API is NULL", built("-DAPI=0"), engine.StageGuard, mismatch("logic_get_api()"), "NULL"},
	{"API is wild", built("-DAPI=(logic_api_t*)0x10000000010"), engine.StageGuard, mismatch("logic_get_api()"), "inside the library|0x10000000010"},
	{"API is on the heap", built("-DAPI=__builtin_memcpy(__builtin_malloc(sizeof(api)),&api,sizeof(api))"),
		engine.StageGuard, mismatch("logic_get_api()"), "inside the library|static storage"},
	{"newer version", built("-DVERSION=2"), engine.StageGuard, mismatch("api_version"), "expected 1, got 2"},
	{"absurd version", built("-DVERSION=-7"), engine.StageGuard, mismatch("api_version"), "expected 1, got -7"},
	{"other size", built("-DSIZE=sizeof(state_t)+8"), engine.StageGuard, mismatch("state_size"), "expected 48, got 56"},
	{"size 0", built("-DSIZE=0"), engine.StageGuard, mismatch("state_size"), "got 0"},
	{"absurd size", built("-DSIZE=~(size_t)0"), engine.StageGuard, mismatch("state_size"), "18446744073709551615"},
	{"init is NULL", built("-DINIT=0"), engine.StageGuard, mismatch("init"), "a function, got NULL"},
	{"tick is NULL", built("-DTICK=0"), engine.StageGuard, mismatch("tick"), "a function, got NULL"},
	{"shutdown is NULL", built("-DSHUTDOWN=0"), engine.StageGuard, mismatch("shutdown"), "a function, got NULL"},
	{"tick is wild", built("-DTICK=(void(*)(void*,double))8"), engine.StageGuard, mismatch("tick"), "inside the library|0x8"},
	{"tick is data", built("-DTICK=(void(*)(void*,double))fields"), engine.StageGuard, mismatch("tick"), "inside the library"},
	{"seed is libc's", built("-DSEED=(void(*)(void*,uint64_t))close"), engine.StageGuard, mismatch("seed"), "inside the library"},

	// Tables of fields that make no sense, or another state than the one that is there.
	{"fields outside", built("-DFIELDS=(const logic_field_t*)64"), engine.StageGuard, mismatch("fields"), "inside the library"},
	{"too many fields", built("-DFIELD_COUNT=1<<20"), engine.StageGuard, mismatch("field_count"), "1048576"},
	{"more fields than there are", built("-DFIELD_COUNT=1<<16"), engine.StageGuard, mismatch("fields"), "65536 entries"},
	{"field without a name", built("-DTABLE={{0,LOGIC_I64,0,1,0,0}}"), engine.StageGuard, mismatch("fields[0].name"), "NULL"},
	{"field with a wild name", built("-DTABLE={{(char*)8,LOGIC_I64,0,1,0,0}}"), engine.StageGuard, mismatch("fields[0].name"), "0x8"},
	{"field of no type", built(`-DTABLE={{"score",99,0,1,0,0}}`), engine.StageGuard, mismatch("fields"), "score|type|99"},
	{"field past the end", built(`-DTABLE={{"score",LOGIC_I64,44,1,0,0}}`), engine.StageGuard, mismatch("fields"), "score|48 bytes|offset 44"},
	{"fields that overlap", built(`-DTABLE={{"score",LOGIC_I64,0,1,0,0},{"time",LOGIC_F64,4,1,0,0}}`), engine.StageGuard, mismatch("fields"), "time|behind score"},
	{"two fields of one name", built(`-DTABLE={{"score",LOGIC_I64,0,1,0,0},{"score",LOGIC_F64,8,1,0,0}}`), engine.StageGuard, mismatch("fields"), "score"},
	{"swapped fields", built(`-DTABLE={{"score",LOGIC_I64,0,1,1,0},{"ticks",LOGIC_I64,8,1,0,0},{"time",LOGIC_F64,16,1,0,0}}`),
		engine.StageGuard, own(func(e *engine.LayoutError) bool { return len(e.Differences) == 2 }), "state layout|score|ticks"},
}

// TestBadLibraryIsRefused hands each bad library to a running engine: it says what is wrong, and whatever ran before
// goes on. A good one is taken afterwards, on the same state.
func TestBadLibraryIsRefused(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Trial = trial.Tick
	h := start(t, cfg, probe(t))
	first := h.await(engine.Running).Generation
	for i, bad := range badLibraries {
		if bad.stage == engine.StageLoad { // now it is the trial that loads it first
			bad.stage, bad.check = engine.StageTrial, own(func(*trial.Verdict) bool { return true })
		}
		t.Run(bad.name, func(t *testing.T) {
			h := h.under(t)
			h.deliver(bad.library(t))
			checkRefusal(t, h.verdict(), bad)
			h.stillTicks(first)
			status := h.Status()
			if status.Rejections != uint64(i+1) || status.Swaps != 0 || len(status.Generations) != 1 ||
				status.Loaded != status.Reclaimed+1 || status.Pinned != 0 {
				t.Errorf("expected one rejection more and nothing left behind, got %+v", status)
			}
			if bad.stage == engine.StageGuard {
				h.outcome(engine.ExitGuard)
			} else {
				h.outcome(engine.ExitRefused)
			}
		})
	}
	h.deliver(probe(t, "-DSTEP=2"))
	second := h.swapped()
	h.reach(second.Activation + 5)
	b := h.books()[0]
	counted(t, b, uint64(b.Ticks)-second.Activation)
}

// TestBadFirstLibraryIsRefused: the same without a trial, and when there is nothing to keep. The engine waits for a good
// one.
func TestBadFirstLibraryIsRefused(t *testing.T) {
	t.Parallel()
	skip := map[string]bool{"other size": true, "swapped fields": true} // nothing to differ from
	var h *host
	for _, bad := range badLibraries {
		if skip[bad.name] {
			continue
		}
		l := bad.library(t)
		if h == nil {
			h = start(t, workshop(t), l)
		} else {
			h.deliver(l)
		}
		checkRefusal(t, h.verdict(), bad)
		if s := h.Status(); !s.Running || s.Generation.Number != 0 || s.Loaded != s.Reclaimed {
			t.Errorf("%s: expected an engine that waits, got %+v", bad.name, s)
		}
	}
	h.deliver(probe(t))
	h.await(engine.Running)
	h.reach(5)
	counted(t, h.books()[0], 0)
}

func checkRefusal(t *testing.T, ev engine.Event, bad badLibrary) {
	t.Helper()
	if ev.Kind != engine.Rejected {
		t.Fatalf("%s: expected a refusal, got %s", bad.name, ev.Kind)
	}
	var se *engine.StageError
	refused(t, ev.Err, bad.stage, &se, strings.Split(bad.words, "|")...)
	bad.check(t, ev.Err)
}
