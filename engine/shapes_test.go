package engine_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hotreload/engine"
	"hotreload/engine/state"
)

// TestRandomMigrations: pairs of random structs, as C that writes down each of its members by name. A model of values,
// which knows nothing of bytes, says which migrations are without loss, which members stand in the way of the others, and
// what every member is afterwards, after a rollback and after the way forward again. HOTRELOAD_PAIRS sets how many.
func TestRandomMigrations(t *testing.T) {
	t.Parallel()
	pairs, err := strconv.Atoi(os.Getenv("HOTRELOAD_PAIRS"))
	if err != nil {
		pairs = 24
	}
	var taken, refused int
	t.Run("pairs", func(t *testing.T) {
		for i := range pairs {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(i), 1))
				old := randomStruct(r, 2, "f")
				young := mutated(r, old)
				if obstacles := obstacles("", old, young); len(obstacles) > 0 {
					refused++
					refuses(t, old, young, obstacles)
				} else {
					taken++
					migrates(t, old, young)
				}
			})
		}
	})
	if pairs >= 24 && (taken < pairs/4 || refused < pairs/8) {
		t.Errorf("%d migrations and %d refusals: too few of one kind to say much", taken, refused)
	}
}

// A member of a struct, with its value: of a kind of scalar, or a struct in itself.
type member struct {
	name    string
	kind    *scalar // nil: a struct
	array   bool
	bits    int        // of a bit-field; 0: it is none
	values  []value    // of each element
	structs [][]member // the same for a struct: all alike but for their values
}

// value is a number; what a float holds is kept as its bits.
type value struct {
	integer *big.Int
	float   float64
}

type scalar struct {
	name     string // in C
	low      *big.Int
	high     *big.Int // both nil for a float
	mantissa int      // of a float
	text     bool
}

var scalars = []*scalar{
	integer("int8_t", true, 8), integer("uint8_t", false, 8), integer("int16_t", true, 16), integer("uint16_t", false, 16),
	integer("int32_t", true, 32), integer("uint32_t", false, 32), integer("int64_t", true, 64), integer("uint64_t", false, 64),
	integer("_Bool", false, 1), {name: "float", mantissa: 24}, {name: "double", mantissa: 53},
}

var char = &scalar{name: "char", low: big.NewInt(-128), high: big.NewInt(127), text: true}

func integer(name string, signed bool, bits uint) *scalar {
	one := big.NewInt(1)
	if signed {
		high := new(big.Int).Lsh(one, bits-1)
		return &scalar{name: name, low: new(big.Int).Neg(high), high: new(big.Int).Sub(high, one)}
	}
	return &scalar{name: name, low: new(big.Int), high: new(big.Int).Sub(new(big.Int).Lsh(one, bits), one)}
}

func randomStruct(r *rand.Rand, depth int, prefix string) []member {
	var list []member
	for i := range 1 + r.IntN(6) {
		list = append(list, randomMember(r, depth, fmt.Sprintf("%s%d", prefix, i)))
	}
	return list
}

func randomMember(r *rand.Rand, depth int, name string) member {
	m := member{name: name}
	n := 1
	if m.array = r.IntN(2) == 0; m.array {
		n = 1 + r.IntN(5)
	}
	switch {
	case depth > 0 && r.IntN(3) == 0:
		inner := randomStruct(r, depth-1, "g")
		for range n {
			m.structs = append(m.structs, revalued(r, inner))
		}
		return m
	case r.IntN(6) == 0:
		m.kind, m.array, n = char, true, 1+r.IntN(9)
	default:
		m.kind = scalars[r.IntN(len(scalars))]
		if !m.array && m.kind.low != nil && m.kind.name != "_Bool" && r.IntN(3) == 0 {
			m.bits = 1 + r.IntN(m.kind.high.BitLen())
		}
	}
	for range n {
		m.values = append(m.values, m.random(r))
	}
	return m
}

// span returns the least and the greatest number that an integer member holds.
func (m *member) span() (low, high *big.Int) {
	if m.bits == 0 {
		return m.kind.low, m.kind.high
	}
	s := integer("", m.kind.low.Sign() < 0, uint(m.bits))
	return s.low, s.high
}

func (m *member) random(r *rand.Rand) value {
	if m.kind.low == nil {
		f := math.Float64frombits(r.Uint64())
		if m.kind.mantissa == 24 {
			f = float64(math.Float32frombits(r.Uint32()))
		}
		if math.IsNaN(f) || math.IsInf(f, 0) || r.IntN(5) == 0 {
			f = 0.5
		}
		return value{float: f}
	}
	low, high := m.span()
	switch r.IntN(4) {
	case 0:
		return value{integer: low}
	case 1:
		return value{integer: high}
	}
	width := new(big.Int).Add(new(big.Int).Sub(high, low), big.NewInt(1))
	v := new(big.Int).SetUint64(r.Uint64())
	return value{integer: v.Add(v.Mod(v, width), low)}
}

// revalued returns the same members with other values.
func revalued(r *rand.Rand, list []member) []member {
	list = slices.Clone(list)
	for i := range list {
		m := &list[i]
		m.values, m.structs = slices.Clone(m.values), slices.Clone(m.structs)
		for j := range m.values {
			m.values[j] = m.random(r)
		}
		for j := range m.structs {
			m.structs[j] = revalued(r, m.structs[j])
		}
	}
	return list
}

// mutated returns members after an edit, with values of their own: those that the new init gives.
func mutated(r *rand.Rand, list []member) []member {
	var young []member
	for _, m := range list {
		switch r.IntN(12) {
		case 0:
			continue
		case 1:
			young = append(young, randomMember(r, 1, "n"+m.name))
		}
		young = append(young, changed(r, m))
	}
	if len(young) == 0 {
		young = append(young, randomMember(r, 0, "only"))
	}
	r.Shuffle(len(young), func(i, j int) { young[i], young[j] = young[j], young[i] })
	return revalued(r, young)
}

func changed(r *rand.Rand, m member) member {
	if m.kind == nil {
		inner := mutated(r, m.structs[0])
		m.structs = slices.Clone(m.structs)
		if m.array && r.IntN(3) == 0 {
			m.structs = append(m.structs, nil)
		}
		for i := range m.structs {
			m.structs[i] = inner
		}
		return m
	}
	m.values = slices.Clone(m.values)
	switch wish := r.IntN(10); {
	case wish < 3 && m.kind != char && m.bits == 0:
		// Mostly one that holds the values; now and then one that may not.
		for range 20 {
			m.kind = scalars[r.IntN(len(scalars))]
			if to := m; r.IntN(12) == 0 || reason(m, to) == "" {
				break
			}
		}
	case wish == 3 && m.array, wish < 5 && m.kind == char:
		m.values = append(m.values, m.values[0], m.values[0])
	case wish == 4 && m.array && len(m.values) > 1 && r.IntN(3) == 0:
		m.values = m.values[1:]
	case wish == 5 && m.bits != 0:
		m.bits = 0
	}
	return m
}

// reason says why what from holds may be more than to can hold; "" when it is not.
func reason(from, to member) string {
	switch {
	case len(to.values) < len(from.values):
		return "shorter"
	case (from.kind == char) != (to.kind == char):
		return "text"
	case from.kind.low == nil:
		if to.kind.low != nil || to.kind.mantissa < from.kind.mantissa {
			return "float"
		}
		return ""
	case from.kind.name == "_Bool" && to.kind.low == nil:
		return "a bool is no number" // though it would fit
	case to.kind.low == nil:
		low, high := from.span()
		exact := new(big.Int).Lsh(big.NewInt(1), uint(to.kind.mantissa))
		if new(big.Int).Neg(low).Cmp(exact) > 0 || high.Cmp(exact) > 0 {
			return "mantissa"
		}
		return ""
	case to.kind.name == "_Bool" && from.kind.name != "_Bool":
		return "a number is no bool"
	}
	low, high := from.span()
	least, most := to.span()
	if low.Cmp(least) < 0 || high.Cmp(most) > 0 {
		return "range"
	}
	return ""
}

// obstacles returns the names of the members of young whose old values it may not hold.
func obstacles(prefix string, old, young []member) (names []string) {
	for _, to := range young {
		from := named(old, to.name)
		switch {
		case from == nil:
		case from.kind == nil:
			inner := prefix + to.name + "."
			if to.array {
				inner = prefix + to.name + "[]."
				if len(to.structs) < len(from.structs) {
					names = append(names, prefix+to.name)
				}
			}
			names = append(names, obstacles(inner, from.structs[0], to.structs[0])...)
		case reason(*from, to) != "":
			names = append(names, prefix+to.name)
		}
	}
	return names
}

func named(list []member, name string) *member {
	for i := range list {
		if list[i].name == name {
			return &list[i]
		}
	}
	return nil
}

// carried returns young with what it gets from old.
func carried(old, young []member) []member {
	young = slices.Clone(young)
	for i := range young {
		to := &young[i]
		from := named(old, to.name)
		if from == nil {
			continue
		}
		to.structs = slices.Clone(to.structs)
		for j := range from.structs {
			to.structs[j] = carried(from.structs[j], to.structs[j])
		}
		to.values = slices.Clone(to.values)
		for j := range to.values {
			switch {
			case j < len(from.values):
				to.values[j] = from.values[j]
				if to.kind.low == nil && from.kind.low != nil {
					f, _ := new(big.Float).SetInt(from.values[j].integer).Float64()
					to.values[j] = value{float: f}
				}
			case to.kind.text:
				to.values[j] = value{integer: new(big.Int)} // the rest of a longer text
			}
		}
	}
	return young
}

// The C of a struct.

func declare(b *strings.Builder, list []member) {
	for _, m := range list {
		if m.kind == nil {
			b.WriteString("struct {\n")
			declare(b, m.structs[0])
			b.WriteString("} ")
		} else {
			b.WriteString(m.kind.name + " ")
		}
		b.WriteString(m.name)
		switch {
		case m.array:
			fmt.Fprintf(b, "[%d]", max(len(m.values), len(m.structs)))
		case m.bits != 0:
			fmt.Fprintf(b, " : %d", m.bits)
		}
		b.WriteString(";\n")
	}
}

// each calls f for every value with its name in C.
func each(prefix string, list []member, f func(path string, m *member, v value)) {
	for i := range list {
		m := &list[i]
		for j := range max(len(m.values), len(m.structs)) {
			path := prefix + m.name
			if m.array {
				path += fmt.Sprintf("[%d]", j)
			}
			if m.kind == nil {
				each(path+".", m.structs[j], f)
			} else {
				f(path, m, m.values[j])
			}
		}
	}
}

// written is what the plugin writes down of its state.
func written(side string, list []member) string {
	var b strings.Builder
	b.WriteString(side + "\n")
	each("", list, func(path string, m *member, v value) {
		switch {
		case m.kind.low != nil:
			fmt.Fprintf(&b, "%s %v\n", path, v.integer)
		case m.kind.mantissa == 24:
			fmt.Fprintf(&b, "%s %x\n", path, math.Float32bits(float32(v.float)))
		default:
			fmt.Fprintf(&b, "%s %x\n", path, math.Float64bits(v.float))
		}
	})
	return b.String()
}

func plugin(t *testing.T, side string, list []member) library {
	t.Helper()
	var decl, set, write strings.Builder
	declare(&decl, list)
	each("", list, func(path string, m *member, v value) {
		switch {
		case m.kind.low == nil:
			fmt.Fprintf(&set, "s->%s = (%s)%s;\n", path, m.kind.name, strconv.FormatFloat(v.float, 'x', -1, 64))
			fmt.Fprintf(&write, "n += sprintf(line + n, \"%s %%llx\\n\", bits(&s->%s, sizeof s->%s));\n", path, path, path)
		case m.kind.low.Sign() < 0:
			fmt.Fprintf(&set, "s->%s = (%s)%sULL;\n", path, m.kind.name, new(big.Int).And(v.integer, scalars[7].high))
			fmt.Fprintf(&write, "n += sprintf(line + n, \"%s %%lld\\n\", (long long)s->%s);\n", path, path)
		default:
			fmt.Fprintf(&set, "s->%s = %sULL;\n", path, v.integer)
			fmt.Fprintf(&write, "n += sprintf(line + n, \"%s %%llu\\n\", (unsigned long long)s->%s);\n", path, path)
		}
	})
	source := fmt.Sprintf(`#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "logic.h"
typedef struct {
%s} state_t;
static volatile const char dump[512] = "@dump@";
__attribute__((unused)) static unsigned long long bits(const void *p, size_t n)
{
    unsigned long long v = 0;
    memcpy(&v, p, n);
    return v;
}
static void init(void *p)
{
    state_t *s = p;
%s}
static void tick(void *p, double dt) { (void)p; (void)dt; }
static void note(void *p)
{
    state_t *s = p;
    char *path, line[1 << 16];
    int n = sprintf(line, "%s\n");
%s    n += sprintf(line + n, "\n");
    if (strtol((const char *)dump, &path, 10) != getpid() || *path++ != ':')
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0)
        return;
    if (write(fd, line, n) != n)
        unlink(path);
    close(fd);
}
static logic_api_t api = {
    .api_version = 1, .api_revision = 1, .state_size = sizeof(state_t), .init = init, .tick = tick, .shutdown = note,
    .before_reload = note,
};
LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
`, decl.String(), set.String(), side, write.String())
	path := filepath.Join(t.TempDir(), side+".c")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return compile(t, path, "-g", "-O0")
}

func refuses(t *testing.T, old, young []member, obstacles []string) {
	h := start(t, field(t, engine.MigrateAuto), plugin(t, "old", old))
	h.await(engine.Running)
	h.deliver(plugin(t, "young", young))
	var conversion *state.ConversionError
	err := h.await(engine.Rejected, engine.Swapped).Err
	if !errors.As(err, &conversion) {
		t.Fatalf("expected %v to stand in the way, got %v\n%+v\n%+v", obstacles, err, old, young)
	}
	var got []string
	for _, r := range conversion.Refusals {
		got = append(got, r.Name)
	}
	slices.Sort(got)
	slices.Sort(obstacles)
	if !slices.Equal(got, obstacles) {
		t.Errorf("expected %v to stand in the way, got %v", obstacles, got)
	}
}

func migrates(t *testing.T, old, young []member) {
	cfg := field(t, engine.MigrateAuto)
	cfg.Shards = 3
	h := start(t, cfg, plugin(t, "old", old))
	h.await(engine.Running)
	h.deliver(plugin(t, "young", young))
	ev := h.await(engine.Swapped, engine.Rejected)
	if ev.Err != nil {
		t.Fatalf("%v\n%s\n%s", ev.Err, written("old", old), written("young", young))
	}
	if ev.Migration == nil { // the edit changed nothing
		return
	}
	for _, to := range []uint64{1, 2} {
		if err := h.Rollback(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		h.reach(h.await(engine.RolledBack).Generation.Activation + 1)
	}
	h.finish()
	content, err := os.ReadFile(h.dump)
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	for note := range strings.SplitSeq(strings.TrimSuffix(string(content), "\n\n"), "\n\n") {
		counts[note+"\n"]++
	}
	before, after := written("old", old), written("young", carried(old, young))
	if counts[before] != 6 || counts[after] != 6 || len(counts) != 2 {
		t.Errorf("expected each of 3 shards twice as\n%sand twice as\n%sgot %v", before, after, counts)
	}
}
