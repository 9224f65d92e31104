package engine

import (
	"path/filepath"

	"hotreload/engine/state"
)

// ours tells whether path is written by the build or by the engine, and so is no source.
func (p *pipeline) ours(path string) bool {
	switch {
	case path == p.library && p.builder != nil, p.cfg.StateFile != "" && state.IsFile(p.cfg.StateFile, path):
		return true
	case p.cfg.Journal != "" && (path == p.cfg.Journal || within(p.cfg.KeepArtifacts, path)):
		return true
	}
	return within(p.scratch, path)
}

// within tells whether path is dir or lies in it.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
