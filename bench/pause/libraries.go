package pause

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"hotreload/bench/internal/plugin"
)

// around is how many different libraries swaps go round. At most two are loaded at a time.
const around = 16

// libraries are what swaps swap.
type libraries struct {
	dir   string
	made  uint64
	usual []string
	large []string // nil when no cell asks for it
	other map[plugin.Kind]*plugin.Template
	known bool
}

// newLibraries makes what the cells need in dir: of the library at path, else of the benchmarks' own plugin.
func newLibraries(ctx context.Context, dir, path string, cells []Cell) (*libraries, error) {
	l := &libraries{dir: dir, other: make(map[plugin.Kind]*plugin.Template)}
	var template *plugin.Template
	var err error
	if path != "" {
		template, err = plugin.Take(path)
	} else {
		template, err = plugin.Compile(ctx, dir)
	}
	if err != nil {
		return nil, err
	}
	l.known = template.Known()
	if l.usual, err = template.StampAll(dir, around); err != nil {
		return nil, err
	}
	for _, c := range cells {
		if c.Large && l.large == nil {
			if l.large, err = makeLarge(ctx, dir); err != nil {
				return nil, err
			}
		}
		way, err := find(c.Strategy)
		if err != nil {
			return nil, err
		}
		if way.Kind == plugin.Usual || l.other[way.Kind] != nil {
			continue
		}
		if !l.known {
			return nil, fmt.Errorf("%s: expected the plugin of the benchmarks, which has a library that is swapped so", c)
		}
		if l.other[way.Kind], err = plugin.CompileKind(ctx, dir, way.Kind); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func makeLarge(ctx context.Context, dir string) ([]string, error) {
	template, err := plugin.CompileKind(ctx, dir, plugin.Large)
	if err != nil {
		return nil, err
	}
	if dir, err = os.MkdirTemp(dir, "large-"); err != nil {
		return nil, err
	}
	return template.StampAll(dir, around)
}

// first is what a simulation begins with.
func (l *libraries) first(large bool) string {
	if large {
		return l.large[0]
	}
	return l.usual[0]
}

// next returns the library for swap i of a run whose strategy swaps libraries of a kind. Those of another kind than the
// usual are made anew, since a library that has faulted is not taken again.
func (l *libraries) next(i int, large bool, kind plugin.Kind) (string, error) {
	if large {
		return l.large[(i+1)%len(l.large)], nil
	}
	if kind == plugin.Usual || kind == plugin.Wide && i%2 == 1 {
		return l.usual[(i+1)%len(l.usual)], nil
	}
	l.made++
	path := filepath.Join(l.dir, fmt.Sprintf("other.%d.so", l.made%around))
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) { // never over a file that is mapped
		return "", err
	}
	return path, l.other[kind].Stamp(path, around+l.made)
}
