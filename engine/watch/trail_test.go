package watch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTrail(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"rel1/src", "rel2/src", "w/deep"} {
		if err := os.MkdirAll(filepath.Join(base, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(base, "rel1/src/a.c"), "")
	for link, target := range map[string]string{
		"cur":          "rel1",
		"w/rel.c":      "../rel1/src/a.c",
		"w/abs.c":      filepath.Join(base, "cur/src/a.c"),
		"w/deep/up.c":  "../../cur/../rel1/src/a.c",
		"w/dangling.c": "gone/a.c",
		"w/loop.c":     "loop.c",
	} {
		if err := os.Symlink(target, filepath.Join(base, link)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		path                   string
		entries, dirs, parents string // below base; entries above base are left out
	}{
		{"rel1/src/a.c", "rel1 rel1/src rel1/src/a.c", "rel1/src", "rel1"},
		{"rel1/src", "rel1 rel1/src", "", "rel1"},
		{"cur/src/a.c", "cur rel1 rel1/src rel1/src/a.c", ". rel1/src", "rel1"},
		{"w/rel.c", "w w/rel.c rel1 rel1/src rel1/src/a.c", "w rel1/src", "rel1"},
		{"w/abs.c", "w w/abs.c cur rel1 rel1/src rel1/src/a.c", "w . rel1/src", "rel1"},
		{"w/deep/up.c", "w w/deep w/deep/up.c cur rel1 rel1 rel1/src rel1/src/a.c", "w/deep . rel1/src", "rel1"},
		{"rel1/none/a.c", "rel1 rel1/none", "rel1", "."},
		{"none/src/a.c", "none", ".", ""},
		{"rel1/src/a.c/b", "rel1 rel1/src rel1/src/a.c", "rel1/src", "rel1"},
		{"w/dangling.c", "w w/dangling.c w/gone", "w w", "."},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			got := walkTrail(filepath.Join(base, test.path))
			relative := func(paths []string) string {
				var kept []string
				for _, path := range paths {
					if path == base {
						kept = append(kept, ".")
					} else if below(path, base) {
						kept = append(kept, strings.TrimPrefix(path, base+"/"))
					}
				}
				return strings.Join(kept, " ")
			}
			entries := strings.TrimPrefix(relative(got.entries), ". ")
			entries = strings.ReplaceAll(entries, ". ", "") // an absolute link passes the base again
			if diff := cmp.Diff([]string{test.entries, test.dirs, test.parents}, []string{entries, relative(got.dirs), relative(got.parents)}); diff != "" {
				t.Errorf("entries, dirs, parents (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a loop ends", func(t *testing.T) {
		if got := walkTrail(filepath.Join(base, "w/loop.c")); len(got.dirs) == 0 {
			t.Errorf("no directory to watch in %+v", got)
		}
	})
	t.Run("the root", func(t *testing.T) {
		if got := walkTrail("/"); len(got.entries) > 0 {
			t.Errorf("entries %v, want none", got.entries)
		}
	})
}
