package trial

import (
	"testing"
	"path/filepath"
	"strings"
	"os"
)

func TestX(t *testing.T) {
	r := newRunner(t, Config{Timeout: 1000e6})
	files, _ := filepath.Glob(corpus + "/*.*")
	for _, f := range files {
		if strings.HasSuffix(f, ".h") { continue }
		if x := os.Getenv("X"); x != "" && !strings.Contains(f, x) { continue }
		t.Run(filepath.Base(f), func(t *testing.T) {
			flags := []string{"-DTRIGGER=1", "-g"}
			if strings.HasSuffix(f, ".rs") { flags = nil }
			lib := hostile(t, filepath.Base(f), flags...)
			warm(t, r)
			rep, err := r.Try(t.Context(), Candidate{Path: lib, DT: 0.1})
			t.Logf("%+v\n%v", rep, err)
		})
	}
}
