package state

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// A damagedLibrary is a valid library and the parts of it that matter to a reader of debug information.
type damagedLibrary struct {
	valid []byte
	parts []span
}

func newDamagedLibrary(t testing.TB, path string) *damagedLibrary {
	t.Helper()
	valid, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(valid))
	if err != nil {
		t.Fatal(err)
	}
	d := &damagedLibrary{valid: valid, parts: []span{{0, 64}, {uint64(len(valid)) - 64*uint64(len(f.Sections)), uint64(len(valid))}}}
	for _, s := range f.Sections {
		if strings.HasPrefix(s.Name, ".debug_info") || strings.HasPrefix(s.Name, ".debug_abbrev") || strings.HasPrefix(s.Name, ".debug_str") {
			d.parts = append(d.parts, span{s.Offset, s.Offset + s.FileSize})
		}
	}
	return d
}

// flip returns the library with bytes changed: of every four, one chooses a part, two the place, one the change.
func (d *damagedLibrary) flip(plan []byte) []byte {
	b := bytes.Clone(d.valid)
	for ; len(plan) >= 4; plan = plan[4:] {
		part := d.parts[int(plan[0])%len(d.parts)]
		at := part.from + (uint64(plan[1])|uint64(plan[2])<<8)%(part.to-part.from)
		b[at] ^= plan[3]
	}
	return b
}

// checkDamaged asserts that a damaged library yields a sound layout or a typed error, in bounded time.
func checkDamaged(t *testing.T, b []byte, size uint64) (usable bool) {
	t.Helper()
	start := time.Now()
	l, err := fromELF(bytes.NewReader(b), "damaged.so", "", size)
	if took := time.Since(start); took > 2*maxReadTime {
		t.Fatalf("took %v", took)
	}
	if err != nil {
		var de *DWARFError
		if !errors.As(err, &de) && !errors.Is(err, ErrNoDWARF) {
			t.Fatalf("got %v", err)
		}
		return false
	}
	if l.Size != size {
		t.Fatalf("size %d", l.Size)
	}
	checkLayout(t, l)
	return true
}

const damagedSource = `
typedef struct node { struct node *next; union { int i; float f; } u; } node_t;
typedef struct { int score; double time; node_t nodes[3]; char name[8]; unsigned a : 3, b : 7; double m[2][2]; } state_t;
state_t s;
`

const damagedSize = 112

func TestDamagedLibraries(t *testing.T) {
	for _, flags := range [][]string{{"-gdwarf-4"}, {"-gdwarf-5"}, {"-gz"}} {
		d := newDamagedLibrary(t, compileC(t, damagedSource, flags...))
		if !checkDamaged(t, d.valid, damagedSize) {
			t.Fatal("the valid library is not usable")
		}
		random := rand.New(rand.NewPCG(1, 2))
		usable := 0
		const rounds = 800
		for range rounds {
			plan := make([]byte, 4*(1+random.IntN(3)))
			for i := range plan {
				plan[i] = byte(random.Uint32())
			}
			if checkDamaged(t, d.flip(plan), damagedSize) {
				usable++
			}
		}
		for cut := 0; cut < len(d.valid); cut += 1 + len(d.valid)/200 {
			checkDamaged(t, d.valid[:cut], damagedSize)
		}
		t.Logf("%v: %d of %d damaged libraries still usable", flags, usable, rounds)
	}
}

func FuzzFromDWARF(f *testing.F) {
	d := newDamagedLibrary(f, compileC(f, damagedSource))
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{2, 40, 0, 1, 3, 17, 0, 255})
	f.Fuzz(func(t *testing.T, plan []byte) {
		checkDamaged(t, d.flip(plan), damagedSize)
	})
}

// Types whose members double at every level end in an error rather than in all memory, with members or without.
func TestHostileTypesAreBounded(t *testing.T) {
	doubling := func(innermost string, levels int) string {
		var b strings.Builder
		b.WriteString("struct t0 { " + innermost + " };\n")
		for i := 1; i <= levels; i++ {
			fmt.Fprintf(&b, "struct t%d { struct t%d l, r; };\n", i, i-1)
		}
		fmt.Fprintf(&b, "struct state_t { struct t%d x; }; struct state_t *s;\nunsigned long f() { return sizeof *s; }\n", levels)
		return b.String()
	}
	_, err := FromDWARF(compileC(t, doubling("char c;", 24)), "", 1<<24)
	wantDWARFError(t, err, "more than 16384 fields")
	_, err = FromDWARF(compileCXX(t, doubling("", 18)), "", 1<<18)
	wantDWARFError(t, err, "more than 262144 members")
}
