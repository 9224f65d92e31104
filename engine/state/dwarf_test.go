package state

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const seedC = `
typedef struct { int score; double time; } state_t;
void tick(void *p, double dt) { state_t *s = p; s->score++; s->time += dt; }
`

func mustRead(t *testing.T, path, name string, size uint64) *Layout {
	t.Helper()
	l, err := FromDWARF(path, name, size)
	if err != nil {
		t.Fatal(err)
	}
	if l.Source != SourceDWARF || l.Size != size {
		t.Fatalf("source %v, size %d", l.Source, l.Size)
	}
	return l
}

func TestDWARFForms(t *testing.T) {
	for _, flags := range [][]string{
		{}, {"-gdwarf-2", "-gstrict-dwarf"}, {"-gdwarf-3"}, {"-gdwarf-4"}, {"-gdwarf-5"}, {"-gz"}, {"-gz=zlib-gnu"}, {"-gz=zstd"},
		{"-g3"}, {"-O2", "-flto"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			l := mustRead(t, compileC(t, seedC, flags...), "", 16)
			if got, want := places(l), "score i32@0\ntime f64@8\n"; got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if l.TypeName != "state_t" || l.Align != 8 || l.Pointers {
				t.Errorf("name %q, alignment %d, pointers %v", l.TypeName, l.Align, l.Pointers)
			}
		})
	}
}

func TestDWARFOfC(t *testing.T) {
	const source = `
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
enum color { RED, GREEN };
enum level { LOW = -1, HIGH = 1 };
typedef double vec4[4];
typedef struct vec { float x, y; } vec_t;
struct node { struct node *next; int v; };
union any { int i; float f; struct node *n; };
typedef struct state_t {
	const int id;
	volatile unsigned flags;
	char name[16];
	signed char small;
	unsigned char byte;
	_Bool on;
	bool lamps[3];
	char letter;
	uint16_t port;
	enum color color;
	enum level level;
	vec_t pos;
	struct { int a; struct { long b; } deep; } nested;
	struct { int hoisted; };
	double matrix[3][4];
	vec4 rows[2];
	vec_t items[10];
	union any any;
	union { int left; float right; };
	struct node *head;
	void (*callback)(int);
	const char *const *names;
	long double wide;
	__int128 huge;
	unsigned b1 : 3, b2 : 5;
	int b3 : 12;
	unsigned : 0;
	uint64_t b4 : 40;
	bool b5 : 1;
	size_t count;
	_Atomic int hits;
	union any many[2];
	int tail[];
} state_t;
state_t *p;
unsigned long size = sizeof(state_t);
`
	const want = `id i32@0
flags u32@4
name char[16]@8
small i8@24
byte u8@25
on bool@26
lamps bool[3]@27
letter char@30
port u16@32
color u32@36
level i32@40
pos.x f32@44
pos.y f32@48
nested.a i32@56
nested.deep.b i64@64
hoisted i32@72
matrix f64[12]@80
rows f64[8]@176
items struct[10]@240
  x f32@0
  y f32@4
any bytes[8]@320
left|right bytes[4]@328
head pointer@336
callback pointer@344
names pointer@352
wide bytes[16]@368
huge bytes[16]@384
b1 u32:3@400.0
b2 u32:5@400.3
b3 i32:12@401.0
b4 u64:40@408.0
b5 bool:1@413.0
count u64@416
hits i32@424
many bytes[16]@432
`
	var first [32]byte
	for _, flag := range []string{"-gdwarf-3", "-gdwarf-4", "-gdwarf-5"} {
		l := mustRead(t, compileC(t, source, flag), "state_t", 448)
		if diff := cmp.Diff(want, places(l)); diff != "" {
			t.Errorf("%s: -want +got\n%s", flag, diff)
		}
		if !l.Pointers || l.Align != 8 {
			t.Errorf("%s: pointers %v, alignment %d", flag, l.Pointers, l.Align)
		}
		if first == [32]byte{} {
			first = l.Hash()
		} else if l.Hash() != first {
			t.Errorf("%s: another hash", flag)
		}
		types := map[string]string{}
		for _, f := range l.Fields {
			types[f.Name] = f.Type
		}
		for name, spelled := range map[string]string{
			"id": "const int", "name": "char[16]", "port": "uint16_t", "color": "enum color", "matrix": "double[3][4]",
			"rows": "double[2][4]", "items": "vec_t[10]", "head": "struct node *", "callback": "function *",
			"names": "const char * const *", "b3": "int:12", "any": "union any { int i; float f; struct node * n; }",
		} {
			if types[name] != spelled {
				t.Errorf("%s: type of %s is %q, want %q", flag, name, types[name], spelled)
			}
		}
	}
}

func TestDWARFOfCXX(t *testing.T) {
	const source = `
#include <cstdint>
#include <string>
struct Empty {};
struct Base { int id; int shared; };
struct Second { double weight; char pad; };
enum class Mode : std::uint8_t { A, B };
namespace game { namespace detail {
class State : public Base, public Second, Empty {
public:
	static int instances;
	static constexpr int limit = 4;
	virtual ~State() {}
	int shared;
	Mode mode;
	char32_t glyph;
	wchar_t wide;
	int &ref;
	int Base::*member;
	void (Base::*method)();
	struct Inner { short s; } inner;
	template <class T> struct Box { T value; };
	Box<float> box;
	State(int &r) : ref(r) {}
	void f();
};
int State::instances;
void State::f() {}
} }
game::detail::State *p;
extern "C" unsigned long size() { int i = 0; game::detail::State s(i); s.f(); return sizeof s; }
`
	l := mustRead(t, compileCXX(t, source), "detail::State", 88)
	got := places(l)
	wantPlaces := `_vptr.State pointer@0
id i32@8
Base::shared i32@12
weight f64@16
pad char@24
shared i32@32
mode u8@36
glyph u32@40
wide i32@44
ref pointer@48
member bytes[8]@56
method bytes[16]@64
inner.s i16@80
box.value f32@84
`
	if diff := cmp.Diff(wantPlaces, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !l.Pointers || l.TypeName != "game::detail::State" {
		t.Errorf("pointers %v, name %q", l.Pointers, l.TypeName)
	}
}

func TestDWARFOfCXXStandardTypes(t *testing.T) {
	const source = `
#include <array>
#include <map>
#include <string>
#include <vector>
struct state_t { std::string name; std::vector<int> list; std::map<int, std::string> index; std::array<float, 3> rgb; };
extern "C" unsigned long size(state_t *s) { return s->name.size() + s->list.size() + s->index.size(); }
`
	l := mustRead(t, compileCXX(t, source), "", 32+24+48+16)
	if !l.Pointers {
		t.Error("no pointers seen")
	}
	if _, err := l.Select([]string{"rgb"}); err != nil {
		t.Error(err)
	}
}

func TestDWARFOfVirtualBase(t *testing.T) {
	const source = `
struct A { int a; };
struct state_t : virtual A { int b; virtual void f() {} };
state_t s;
unsigned long size = sizeof(state_t);
`
	_, err := FromDWARF(compileCXX(t, source), "", 16)
	wantDWARFError(t, err, "virtual base")
}

func TestDWARFOfRust(t *testing.T) {
	const source = `
#[repr(C)] pub struct Vec2 { x: f32, y: f32 }
pub enum Shape { Dot, Circle(f32), Named { name: &'static str } }
#[repr(u8)] pub enum Mode { A, B }
pub mod game {
    #[repr(C)] pub struct State {
        pub score: i32, pub time: f64, pub pos: super::Vec2, pub on: bool, pub mode: super::Mode, pub glyph: char,
        pub grid: [[u16; 3]; 2], pub items: [super::Vec2; 4], pub maybe: Option<u32>, pub unit: (), pub wide: u128,
        pub pair: (u8, i64), pub text: &'static str, pub shape: super::Shape,
    }
}
#[no_mangle] pub extern "C" fn tick(s: &mut game::State) -> usize { s.score += 1; std::mem::size_of::<game::State>() }
`
	path := compileRust(t, source)
	_, err := FromDWARF(path, "game::State", 1)
	var de *DWARFError
	if !errors.As(err, &de) || len(de.Sizes) != 1 {
		t.Fatalf("got %v", err)
	}
	l := mustRead(t, path, "game::State", de.Sizes[0])
	t.Logf("\n%s", l)
	for _, line := range []string{
		"score i32@0", "time f64@8", "pos.x f32@16", "pos.y f32@20", "on bool@24", "mode u8@25", "glyph u32@28",
		"grid u16[6]@32", "items struct[4]@44", "maybe bytes[8]@76",
	} {
		if !strings.Contains(places(l), line+"\n") {
			t.Errorf("no %s in\n%s", line, places(l))
		}
	}
	if !l.Pointers {
		t.Error("no pointers seen")
	}
	again := mustRead(t, path, "State", de.Sizes[0])
	if again.Hash() != l.Hash() {
		t.Error("the bare name means something else")
	}
	_, err = FromDWARF(path, "state_t", de.Sizes[0])
	wantDWARFError(t, err, "game::State") // as a hint
}

func wantDWARFError(t *testing.T, err error, text string) {
	t.Helper()
	var de *DWARFError
	if !errors.As(err, &de) {
		t.Fatalf("got %v, want a *DWARFError", err)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("%q does not say %q", err, text)
	}
}

func TestDWARFErrors(t *testing.T) {
	t.Run("no debug information", func(t *testing.T) {
		path := compile(t, "logic.c", seedC, "cc", "-shared", "-fPIC")
		if _, err := FromDWARF(path, "", 16); !errors.Is(err, ErrNoDWARF) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("split", func(t *testing.T) {
		for _, flag := range []string{"-gdwarf-4", "-gdwarf-5"} {
			_, err := FromDWARF(compileC(t, seedC, "-gsplit-dwarf", flag), "", 16)
			wantDWARFError(t, err, "build without -gsplit-dwarf")
		}
	})
	t.Run("no file", func(t *testing.T) {
		_, err := FromDWARF(filepath.Join(t.TempDir(), "none.so"), "", 16)
		wantDWARFError(t, err, "no such file")
		if !errors.Is(err, os.ErrNotExist) {
			t.Error("the cause is lost")
		}
	})
	t.Run("no ELF", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "text.so")
		if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := FromDWARF(path, "", 16)
		wantDWARFError(t, err, "not an ELF file")
	})
	t.Run("other size", func(t *testing.T) {
		_, err := FromDWARF(compileC(t, seedC), "", 24)
		wantDWARFError(t, err, "expected 24 bytes, found 16")
	})
	t.Run("other name", func(t *testing.T) {
		_, err := FromDWARF(compileC(t, "struct World { int a, b; }; struct World w;"), "", 8)
		wantDWARFError(t, err, "no type of this name; of 8 bytes are: World")
	})
	t.Run("not a struct", func(t *testing.T) {
		_, err := FromDWARF(compileC(t, "typedef int state_t; state_t s;"), "", 4)
		wantDWARFError(t, err, "expected a struct")
	})
	t.Run("type units", func(t *testing.T) {
		_, err := FromDWARF(compileC(t, "struct in { int a; }; typedef struct { struct in i; } state_t; state_t s;",
			"-fdebug-types-section", "-gdwarf-4"), "", 4)
		wantDWARFError(t, err, "")
	})
	t.Run("declared only", func(t *testing.T) {
		_, err := FromDWARF(compileC(t, "struct state_t; struct state_t *s;"), "struct state_t", 4)
		wantDWARFError(t, err, "declared but not defined")
	})
}

func TestDWARFSeveralTypes(t *testing.T) {
	t.Run("the size decides", func(t *testing.T) {
		const source = `
namespace a { struct state_t { int x; }; state_t s; }
namespace b { struct state_t { double y; }; state_t s; }
`
		path := compileCXX(t, source)
		if l := mustRead(t, path, "", 8); l.TypeName != "b::state_t" {
			t.Errorf("got %s", l.TypeName)
		}
		_, err := FromDWARF(path, "", 16)
		wantDWARFError(t, err, "expected 16 bytes, found 4, 8")
	})
	t.Run("scopes end where they end", func(t *testing.T) {
		const source = `
namespace a { namespace in { struct other { int x; } o; } struct mate { int y; } m; struct state_t { struct deep { int q; } d; }; state_t s; }
struct state_t { float y; } s;
`
		path := compileCXX(t, source)
		if l := mustRead(t, path, "a::state_t", 4); l.TypeName != "a::state_t" || l.Fields[0].Name != "d.q" {
			t.Errorf("got %s", l)
		}
	})
	t.Run("two of the size", func(t *testing.T) {
		const source = `
namespace a { struct state_t { int x; }; state_t s; }
namespace b { struct state_t { float y; }; state_t s; }
`
		path := compileCXX(t, source)
		_, err := FromDWARF(path, "", 4)
		wantDWARFError(t, err, "qualified name")
		if l := mustRead(t, path, "a::state_t", 4); l.Fields[0].Name != "x" {
			t.Errorf("got %s", places(l))
		}
	})
	t.Run("one type in two units", func(t *testing.T) {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"s.h": "typedef struct state_t { int a; double b; } state_t;",
			"a.c": "#include \"s.h\"\nvoid f(state_t *s) { s->a++; }",
			"b.c": "#include \"s.h\"\nvoid g(state_t *s) { s->b++; }",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("cc", "-shared", "-fPIC", "-g", "-o", "p.so", "a.c", "b.c")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("cc: %v %s", err, out)
		}
		mustRead(t, filepath.Join(dir, "p.so"), "", 16)
	})
}

// A change inside a union or an array of structs is seen, though the field that holds it is one.
func TestDWARFHashSeesInside(t *testing.T) {
	read := func(body string, size uint64) *Layout {
		t.Helper()
		return mustRead(t, compileC(t, "typedef struct item { int hp; float x; } item_t; typedef struct { "+body+" } state_t; state_t s;"), "", size)
	}
	base := read("union { int a; float b; } u; struct { int hp; float x; } items[4];", 36)
	for name, body := range map[string]string{
		"union member retyped":   "union { int a; int b; } u; struct { int hp; float x; } items[4];",
		"union member renamed":   "union { int a; float c; } u; struct { int hp; float x; } items[4];",
		"element fields swapped": "union { int a; float b; } u; struct { float x; int hp; } items[4];",
		"element field retyped":  "union { int a; float b; } u; struct { unsigned hp; float x; } items[4];",
	} {
		changed := read(body, 36)
		if base.Hash() == changed.Hash() {
			t.Errorf("%s: same hash", name)
		}
		if Compatible(base, changed) || len(Diff(base, changed)) == 0 {
			t.Errorf("%s: compatible", name)
		}
	}
	renamedType := read("union v { int a; float b; } u; item_t items[4];", 36)
	if base.Hash() != renamedType.Hash() || !Compatible(base, renamedType) {
		t.Error("a renamed type changes the hash")
	}
}
