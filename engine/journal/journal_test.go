package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	hashA  = strings.Repeat("ab", 32)
	header = Header{Journal: Version, Plugin: "logic.so", Shards: 8, DT: 1e8, Swap: "aligned", StateSize: 16}
	begin  = Entry{Kind: Begin, Generation: 1, Artifact: hashA, Opened: 1}
	swap   = Entry{Kind: Swap, Generation: 2, Tick: 10, Artifact: hashA, Opened: 2}
	fault  = Entry{Kind: Fault, Generation: 2, Tick: 12, First: 3, Function: "tick", Error: "SIGSEGV"}
	leave  = Entry{Kind: Leave, Generation: 2, Tick: 12, First: 3, Count: 1, By: 1}
	end    = Entry{Kind: End, Tick: 20, State: hashA}
)

// text is a journal of these lines.
func text(t *testing.T, lines ...any) string {
	t.Helper()
	var b strings.Builder
	for _, line := range lines {
		if raw, ok := line.(string); ok {
			b.WriteString(raw)
			continue
		}
		j, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(j, '\n'))
	}
	return b.String()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for run := range 3 {
		w, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Begin(header); err != nil {
			t.Fatal(err)
		}
		for _, e := range []Entry{begin, swap, fault, leave, end} {
			if err := w.Append(e); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "another host writes to it") {
			t.Errorf("a second writer: %v", err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if run == 1 { // as a kill in the middle of the last line leaves it
			if err := os.Truncate(path, size(t, path)-5); err != nil {
				t.Fatal(err)
			}
		}
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	runs, err := Read(file)
	if err != nil || len(runs) != 3 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for i, r := range runs {
		killed := i == 1
		if r.Header != header || r.Cut != killed || (r.End() == nil) != killed || r.Entries[2] != fault || r.Entries[3] != leave {
			t.Errorf("run %d: %+v", i, r)
		}
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestACutJournalIsReadUpToItsLastWholeLine(t *testing.T) {
	whole := text(t, header, begin, swap, leave, end)
	first := strings.IndexByte(whole, '\n') + 1
	for cut := first; cut < len(whole); cut++ {
		runs, err := Read(strings.NewReader(whole[:cut]))
		if err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		want := strings.Count(whole[first:cut], "\n")
		if r := runs[0]; len(r.Entries) != want || r.Cut != (whole[cut-1] != '\n') {
			t.Errorf("cut at byte %d: %d entries, cut %v; expected %d", cut, len(r.Entries), r.Cut, want)
		}
	}
	if _, err := Read(strings.NewReader("")); !errors.Is(err, ErrEmpty) {
		t.Errorf("nothing: %v", err)
	}
	for cut := 1; cut < first; cut++ {
		if _, err := Read(strings.NewReader(whole[:cut])); !errors.Is(err, ErrForeign) {
			t.Errorf("cut at byte %d, in the header: %v", cut, err)
		}
	}
}

func TestDamagedLinesAreNamed(t *testing.T) {
	with := func(e Entry, change func(*Entry)) Entry { change(&e); return e }
	newer := header
	newer.Journal++
	for name, c := range map[string]struct {
		lines []any
		want  string
	}{
		"a cut line between others": {[]any{header, `{"kind":"be` + "\n", begin}, "line 2: expected an entry of a journal"},
		"garbage":                   {[]any{header, begin, "\x00\x00\n", swap}, "line 3: expected an entry"},
		"two entries in a line":     {[]any{header, begin, `{"kind":"end","tick":1}{}` + "\n", end}, "line 3: expected one entry of a journal, got more"},
		"an empty line":             {[]any{header, begin, "\n", end}, "line 3: expected an entry"},
		"a long line":               {[]any{header, strings.Repeat("x", maxLine+1) + "\n"}, "line 2: expected at most 65536 bytes"},
		"garbage at the end":        {[]any{header, begin, "garbage\n"}, "line 3: expected an entry"},
		"an unknown field":          {[]any{header, `{"kind":"end","tick":1,"colour":"red"}` + "\n", end}, `line 2: .*unknown field "colour"`},
		"an unknown kind":           {[]any{header, begin, with(end, func(e *Entry) { e.Kind = "dance" })}, `line 3: kind: expected one that this hotreload knows, got "dance"`},
		"a newer version":           {[]any{newer, begin}, "line 1: expected version 1 of the format, got 2"},
		"no shards":                 {[]any{Header{Journal: Version, DT: 1, Swap: "aligned"}}, "line 1: shards: expected 1 or more"},
		"no dt":                     {[]any{Header{Journal: Version, Shards: 1, Swap: "aligned"}}, "line 1: dt_ns: expected more than 0"},
		"no mode":                   {[]any{Header{Journal: Version, Shards: 1, DT: 1}}, "line 1: swap: expected aligned or immediate"},
		"no beginning":              {[]any{header, swap}, `line 2: expected the first entry, and no other, to be "begin", got "swap"`},
		"two beginnings":            {[]any{header, begin, begin}, `line 3: expected the first entry, and no other`},
		"a late beginning":          {[]any{header, with(begin, func(e *Entry) { e.Tick = 3 })}, "line 2: tick: expected 0, got 3"},
		"more after the end":        {[]any{header, begin, end, swap}, "line 4: expected nothing after the end"},
		"no hash":                   {[]any{header, begin, with(swap, func(e *Entry) { e.Artifact = "../../etc" })}, "line 3: artifact: expected a SHA-256"},
		"a tick that goes back":     {[]any{header, begin, swap, with(swap, func(e *Entry) { e.Generation, e.Tick = 3, 9 })}, "line 4: expected a generation after 2 and a tick not before 10, got 3 at 9"},
		"a generation again":        {[]any{header, begin, swap, swap}, "line 4: expected a generation after 2"},
		"an end before the last":    {[]any{header, begin, swap, with(end, func(e *Entry) { e.Tick = 9 })}, "line 4: tick: expected one not before 10, got 9"},
		"shards there are not":      {[]any{header, begin, swap, with(leave, func(e *Entry) { e.Count = 6 })}, "line 4: expected shards among 0 to 7, got 6 from 3 on"},
		"too many shards":           {[]any{header, begin, swap, with(leave, func(e *Entry) { e.Count = 1 << 62; e.First = 1 << 62 })}, "line 4: expected shards"},
		"an unknown generation":     {[]any{header, begin, with(leave, func(e *Entry) { e.Generation = 2 })}, "line 3: expected a generation from the lines before, got 2"},
		"in place, nobody knows who": {[]any{header, begin, swap, with(leave, func(e *Entry) { e.By = 7 })},
			"line 4: by: expected a generation from the lines before, got 7"},
	} {
		_, err := Read(strings.NewReader(text(t, c.lines...)))
		var line *LineError
		if !errors.As(err, &line) || !matches(c.want, err.Error()) {
			t.Errorf("%s: expected %q, got %v", name, c.want, err)
		}
	}
}

// matches tells whether text begins with want, in which .* stands for anything.
func matches(want, text string) bool {
	head, tail, _ := strings.Cut(want, ".*")
	return strings.HasPrefix(text, head) && strings.Contains(text, tail)
}

func TestForeignFilesAreRefusedAndKept(t *testing.T) {
	for _, content := range []string{"\n", "precious\n", `{"kind":"begin"}` + "\n", `{"journal":"1"}` + "\n", "\x7fELF\x02", strings.Repeat("x", maxLine+1)} {
		if _, err := Read(strings.NewReader(content)); !errors.Is(err, ErrForeign) {
			t.Errorf("Read %.20q: %v", content, err)
		}
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrForeign) {
			t.Errorf("Open %.20q: %v", content, err)
		}
		if after, err := os.ReadFile(path); string(after) != content {
			t.Errorf("%.20q became %.20q, %v", content, after, err)
		}
	}
}

func TestArtifactsAreKeptWhole(t *testing.T) {
	dir := t.TempDir()
	library := filepath.Join(dir, "logic.so")
	content := []byte("library")
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:])
	if err := os.WriteFile(library, content, 0o600); err != nil {
		t.Fatal(err)
	}
	kept := Beside(filepath.Join(dir, "run"))
	var missing *MissingError
	if err := kept.Check(hash); !errors.As(err, &missing) || !strings.Contains(err.Error(), "is missing: expected it as "+kept.Path(hash)) {
		t.Errorf("before: %v", err)
	}
	for range 2 {
		if err := kept.Keep(hash, library); err != nil {
			t.Fatal(err)
		}
	}
	if err := kept.Check(hash); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(string(kept)); len(files) != 1 {
		t.Errorf("%v, %v: expected the library alone", files, err)
	}
	if err := kept.Keep(strings.Repeat("0", 64), filepath.Join(dir, "gone")); err == nil {
		t.Error("a library that is not there was kept")
	}
	if err := os.Remove(kept.Path(hash)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept.Path(hash), append(content, 'x'), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := kept.Check(hash); !errors.As(err, &missing) || !strings.Contains(err.Error(), "has been altered") {
		t.Errorf("altered: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	var all []any
	for _, e := range []Entry{begin, swap, fault, leave, end} {
		all = append(all, e)
	}
	whole := text(new(testing.T), append([]any{header}, all...)...)
	f.Add([]byte(whole))
	f.Add([]byte(whole + whole))
	f.Add([]byte(whole[:len(whole)-9] + "\n" + whole))
	f.Fuzz(func(t *testing.T, data []byte) {
		runs, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, r := range runs { // what was read can be relied upon
			if r.Shards < 1 || len(r.Entries) != len(r.Lines) {
				t.Fatalf("%+v", r)
			}
			known := map[uint64]bool{0: true}
			for i, e := range r.Entries {
				if (i == 0) != (e.Kind == Begin) {
					t.Fatalf("entry %d is %q", i, e.Kind)
				}
				if e.Published() {
					known[e.Generation] = true
				}
				if e.Kind == Leave && (e.First+e.Count > r.Shards || e.First < 0 || !known[e.By]) {
					t.Fatalf("entry %d: %+v", i, e)
				}
			}
		}
	})
}
