package state

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFromDeclaration(t *testing.T) {
	tests := []struct {
		name, source string
		size         uint64
		want         string
	}{
		{"the usual", "typedef struct {\nint score;\ndouble time;\n} state_t;", 16, "score i32@0 time f64@8"},
		{"with a tag", "typedef struct state { int score; } state_t;", 4, "score i32@0"},
		{"a tag only", "struct state_t { int score; };", 4, "score i32@0"},
		{"tag and typedef alike", "typedef struct state_t { int a; } state_t; static state_t s;", 4, "a i32@0"},
		{"typedef and tag apart from other structs", "struct other { int x; }; struct state_t { char c; }; void f(struct state_t *s);", 1, "c char@0"},
		{"comments and includes", "#include <x.h>\n/* int no; */\ntypedef struct { // int no;\n int /* here */ a; } state_t;", 4, "a i32@0"},
		{"several declarators", "typedef struct { int a, b, *p, c[3]; } state_t;", 32, "a i32@0 b i32@4 p pointer@8 c i32[3]@16"},
		{"every scalar", `typedef struct { char a; signed char b; unsigned char c; short d; unsigned short int e; int f; unsigned g;
			long h; unsigned long i; long long j; unsigned long long int k; float l; double m; _Bool n; size_t o; } state_t;`, 80,
			"a char@0 b i8@1 c u8@2 d i16@4 e u16@6 f i32@8 g u32@12 h i64@16 i u64@24 j i64@32 k u64@40 l f32@48 m f64@56 n bool@64 o u64@72"},
		{"standard integers", "typedef struct { uint8_t a; int16_t b; uint32_t c; int64_t d; bool e; } state_t;", 24, "a u8@0 b i16@2 c u32@4 d i64@8 e bool@16"},
		{"order of words", "typedef struct { long unsigned int a; int const short b; volatile const char *s; } state_t;", 24, "a u64@0 b i16@8 s pointer@16"},
		{"arrays", "typedef struct { char name[16]; double m[3][0x4]; short o[010]; unsigned u[2u]; } state_t;", 136, "name char[16]@0 m f64[12]@16 o i16[8]@112 u u32[2]@128"},
		{"pointers", "typedef struct { void *p; char **q; int * const r; } state_t;", 24, "p pointer@0 q pointer@8 r pointer@16"},
		{"joined lines", "typedef \\\nstruct { int a\\\nb; } state_t;", 4, "ab i32@0"},
		{"braces in literals", "char *s = \"} {\"; char c = '{';\ntypedef struct { int a; } state_t;", 4, "a i32@0"},
		{"a macro elsewhere", "#define N 4\n#define SHOUT(x) x\ntypedef struct { int a; } state_t;", 4, "a i32@0"},
		{"CRLF", "typedef struct {\r\n int a;\r\n} state_t;\r\n", 4, "a i32@0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := FromDeclaration([]byte(tt.source), "", tt.size)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(strings.Fields(places(l)), " "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if l.Source != SourceDeclaration || l.TypeName != "state_t" {
				t.Errorf("source %v, name %s", l.Source, l.TypeName)
			}
			if want := strings.Contains(tt.want, "pointer"); l.Pointers != want {
				t.Errorf("pointers %v", l.Pointers)
			}
			checkLayout(t, l)
		})
	}
}

func TestFromDeclarationRefusals(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"none", "int x;", "there is none"},
		{"declared only", "struct state_t; typedef struct state state_t;", "there is none"},
		{"size differs", "typedef struct { int a; int b; } state_t;", "expected 4 bytes, its members make 8"},
		{"two", "struct state_t { int a; }; void f() { struct state_t { int b; }; }", "there are 2"},
		{"empty", "typedef struct { } state_t;", "no members"},
		{"nested", "typedef struct { struct { int a; } b; } state_t;", "struct is not a plain type"},
		{"union", "typedef struct { union { int a; float b; }; } state_t;", "union is not a plain type"},
		{"enum", "typedef struct { enum color c; } state_t;", "enum is not a plain type"},
		{"unknown type", "typedef struct { vec_t v; } state_t;", "vec_t is not a plain type"},
		{"long double", "typedef struct { long double d; } state_t;", "long double is not a plain type"},
		{"unsigned float", "typedef struct { unsigned float d; } state_t;", "not a plain type"},
		{"void", "typedef struct { void v; } state_t;", "member v is void"},
		{"bit-field", "typedef struct { int a : 3; } state_t;", ": behind member a"},
		{"function pointer", "typedef struct { void (*f)(int); } state_t;", "( where a member's name was expected"},
		{"attribute inside", "typedef struct { int a __attribute__((aligned(8))); } state_t;", "__attribute__ behind member a"},
		{"attribute behind", "typedef struct { int a; } __attribute__((packed)) state_t;", "there is none"},
		{"attribute before", "typedef struct __attribute__((packed)) { int a; } state_t;", "there is none"},
		{"aligned", "typedef struct { _Alignas(16) int a; } state_t;", "_Alignas is not a plain type"},
		{"named length", "enum { N = 1 }; typedef struct { int a[N]; } state_t;", "the length N is not a plain number"},
		{"computed length", "typedef struct { char a[2 * 2]; } state_t;", "* in an array's length"},
		{"flexible array", "typedef struct { int n; int a[]; } state_t;", "is not a plain number"},
		{"length 0", "typedef struct { int n; int a[0]; } state_t;", "is not a plain number"},
		{"huge length", "typedef struct { int a[4294967295][4294967295]; } state_t;", "too long"},
		{"condition inside", "typedef struct {\n#ifdef X\nint a;\n#else\nfloat a;\n#endif\n} state_t;", "preprocessor line inside"},
		{"macro inside", "#define FIELD int a\ntypedef struct { FIELD; } state_t;", "FIELD is a macro"},
		{"macro as a name", "#define a b[2]\ntypedef struct { short a; } state_t;", "a is a macro"},
		{"macro as a type", "#define int long\ntypedef struct { int a; } state_t;", "gives int a meaning of its own"},
		{"typedef of a known name", "typedef int bool;\ntypedef struct { bool a; } state_t;", "gives bool a meaning of its own"},
		{"typedef of a pointer", "typedef char *size_t;\ntypedef struct { int a; } state_t;", "gives size_t a meaning of its own"},
		{"pragma pack", "#pragma pack(push, 1)\ntypedef struct { int a; } state_t;", "#pragma pack"},
		{"name twice", "typedef struct { short a; short a; } state_t;", "two members are called a"},
		{"unfinished", "typedef struct { int a", "there is none"},
		{"unfinished member", "typedef struct { int a } state_t;", "ends inside a member"},
		{"unfinished comment", "typedef struct { int a; } state_t; /*", "does not end"},
		{"unfinished text", "char *s = \"abc;\ntypedef struct { int a; } state_t;", "does not end"},
		{"C++ base", "struct state_t : base { int a; };", "there is none"},
		{"C++ method", "struct state_t { int a; void f(); };", "member f is void"},
		{"C++ initialiser", "struct state_t { int a = 1; };", "= behind member a"},
		{"C++ template", "template <class T> struct state_t { T a; };", "T is not a plain type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := FromDeclaration([]byte(tt.source), "", 4)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q does not say %q", err, tt.want)
			}
		})
	}
}

// What the parser lays out is what the compiler lays out.
func TestDeclarationAgreesWithTheCompiler(t *testing.T) {
	const source = `#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef struct {
	char tag; double time; short s, t[3]; bool on; int64_t big; char name[5]; unsigned long *p; float xyz[3];
	uint16_t port; signed char c; size_t n; unsigned char last;
} state_t;
state_t s;
`
	path := compileC(t, source)
	truth := mustRead(t, path, "", 88)
	l, err := FromDeclaration([]byte(source), "", 88)
	if err != nil {
		t.Fatal(err)
	}
	if l.Hash() != truth.Hash() {
		t.Errorf("parsed\n%scompiled\n%s", l, truth)
	}
}

func FuzzFromDeclaration(f *testing.F) {
	f.Add("typedef struct { int score; double time; } state_t;", uint16(16))
	f.Add("#define N 4\nstruct state_t { char name[16], *p; /* x */ unsigned long long q; };", uint16(32))
	f.Add("typedef struct state_t { short a, b[2][2]; void *v; } state_t;", uint16(24))
	for _, name := range []string{"declaration.go", "doc.go"} {
		if b, err := os.ReadFile(filepath.Clean(name)); err == nil {
			f.Add(string(b), uint16(8))
		}
	}
	f.Fuzz(func(t *testing.T, source string, size uint16) {
		l, err := FromDeclaration([]byte(source), "", uint64(size))
		if err != nil {
			return
		}
		if l.Size != uint64(size) || len(l.Fields) == 0 {
			t.Fatalf("size %d, %d fields", l.Size, len(l.Fields))
		}
		checkLayout(t, l)
	})
}
