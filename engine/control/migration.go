package control

import (
	"errors"

	"hotreload/engine"
)

// Migration tells how the state came to another layout.
type Migration struct {
	Way     string   `json:"way"` // "name", "plugin", "back" or "kept"
	Tick    uint64   `json:"tick"`
	Added   []string `json:"added,omitempty"`
	Dropped []string `json:"dropped,omitempty"`
	Held    float64  `json:"held_seconds"` // for how long the first worker was held
	Kept    uint64   `json:"kept,omitempty"`
}

// Difference is a field on which two layouts of the state do not agree.
type Difference struct {
	Field     string `json:"field"`
	Change    string `json:"change"`
	Running   string `json:"running"`
	Candidate string `json:"candidate"`
}

func newMigration(m *engine.Migration) *Migration {
	if m == nil {
		return nil
	}
	return &Migration{
		Way: string(m.Way), Tick: m.Tick, Added: m.Added, Dropped: m.Dropped, Held: m.Held.Seconds(), Kept: m.Kept,
	}
}

func newDifferences(err error) (list []Difference) {
	var layout *engine.LayoutError
	if errors.As(err, &layout) {
		for _, d := range layout.Differences {
			list = append(list, Difference{Field: d.Name, Change: d.Change.String(), Running: d.Running, Candidate: d.Candidate})
		}
	}
	return list
}
