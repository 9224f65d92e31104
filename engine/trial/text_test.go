package trial

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCrashesOfTheGoRuntimeAreRead(t *testing.T) {
	for _, c := range []struct{ name, output, cause, before string }{
		{"nothing", "hello\n", "", "hello\n"},
		{"called code", "hello\nSIGSEGV: segmentation violation\nPC=0x7f m=4 sigcode=1 addr=0x8\nsignal arrived during cgo execution\n",
			"SIGSEGV at address 0x8", "hello\n"},
		{"division", "SIGFPE: floating-point exception\nPC=0x7f m=4 sigcode=1 addr=0x8\n", "SIGFPE", ""},
		{"elsewhere", "fatal error: unexpected signal during runtime execution\n[signal SIGBUS: bus error code=0x1 addr=0x10 pc=0x0]\n",
			"SIGBUS at address 0x10", ""},
		{"a library's words", "fatal: no such file\n", "", "fatal: no such file\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if cause, before := findCrash(c.output); cause != c.cause || before != c.before {
				t.Errorf("got %q and %q, want %q and %q", cause, before, c.cause, c.before)
			}
		})
	}
}

func TestTranscriptKeepsTheEnd(t *testing.T) {
	for _, size := range []int{1, 100, 16 << 10, MaxOutput, 3*MaxOutput + 1} {
		var tr transcript
		var all bytes.Buffer
		for i := range 5 * MaxOutput / size {
			piece := bytes.Repeat([]byte{byte('a' + i%26)}, size)
			all.Write(piece)
			_, _ = tr.Write(piece)
		}
		want := all.String()
		want = want[max(0, len(want)-MaxOutput):]
		if got := tr.String(); got != want {
			t.Errorf("pieces of %d bytes: kept %d bytes, which are not the last %d", size, len(got), len(want))
		}
		if cap(tr.kept) > 4*MaxOutput {
			t.Errorf("pieces of %d bytes: %d bytes of memory", size, cap(tr.kept))
		}
	}
}

func TestLastLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"\n\n":                    "",
		"one":                     "one",
		"one\ntwo\n \n":           "two",
		"a\x1b[31mred\x07":        "a [31mred",
		"bad \xff byte":           "bad ? byte",
		strings.Repeat("x", 1000): strings.Repeat("x", 200) + "…",
	} {
		if got := lastLine(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestSpaceSeesEveryStrayWrite(t *testing.T) {
	for _, size := range []uint64{1, 16, 63, 64, 65, 4096, 100_000} {
		s, err := newSpace(size, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.count {
			for j, b := range s.state(i) {
				if b != 0 {
					t.Fatalf("size %d: state %d is not zero", size, i)
				}
				s.state(i)[j] = 1
			}
			if uint64(s.address(i))%shardAlign != 0 {
				t.Errorf("size %d: state %d at %#x", size, i, s.address(i))
			}
		}
		if d := s.damage(); d != "" {
			t.Errorf("size %d: writes within the states: %s", size, d)
		}
		watched := uint64(0)
		s.watched(func(low, high uint64) bool {
			watched += high - low
			for _, at := range []uint64{low, high - 1} {
				s.memory[at] ^= 1
				if s.damage() == "" {
					t.Errorf("size %d: a write at %d was not seen", size, at)
				}
				s.memory[at] ^= 1
			}
			return true
		})
		if watched+3*size != uint64(len(s.memory)) {
			t.Errorf("size %d: %d bytes are watched of %d", size, watched, len(s.memory))
		}
	}
}

func TestDamagedFilesHaveNoPlaces(t *testing.T) {
	whole, err := os.ReadFile(plugin(t, good))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.so")
	rapid.Check(t, func(t *rapid.T) {
		damaged := bytes.Clone(whole)
		for range rapid.IntRange(0, 40).Draw(t, "bytes") {
			damaged[rapid.IntRange(0, len(damaged)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "value")
		}
		if err := os.WriteFile(path, damaged[:rapid.IntRange(0, len(damaged)).Draw(t, "length")], 0o600); err != nil {
			t.Fatal(err)
		}
		locate(path, rapid.Uint64().Draw(t, "address")) // does not panic
	})
}
