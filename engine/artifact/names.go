package artifact

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// storeFile matches the names of all files that a store makes, its lock apart.
var storeFile = regexp.MustCompile(`^(?:incoming\.\d+|artifact\.[0-9a-f]{64}\.so|.+\.gen\d{6,}\.[0-9a-f]{8}\.so)$`)

// maxName bounds the part of a file name that a plugin chooses, in bytes, so that the whole fits in the 255 that file
// systems allow.
const maxName = 100

// safeName returns the base name of path with everything replaced that could leave the directory, end a line in a log or
// in /proc/self/maps, or need quotes. The name may come from another machine.
func safeName(path string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._+-", r):
			return r
		default:
			return '_'
		}
	}, filepath.Base(path))
	name = strings.TrimLeft(name, ".-")
	if len(name) > maxName {
		name = name[:maxName]
	}
	if name == "" || name == "_" {
		return "plugin.so"
	}
	return name
}

func artifactName(hash Hash) string { return "artifact." + hash.String() + ".so" }

func shadowName(a *Artifact, generation uint64) string {
	return fmt.Sprintf("%s.gen%06d.%s.so", strings.TrimSuffix(a.Name, ".so"), generation, a.Hash.Short())
}
