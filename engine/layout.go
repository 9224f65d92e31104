package engine

import (
	"errors"
	"os"

	"hotreload/engine/abi"
	"hotreload/engine/state"

	"go.uber.org/zap"
)

// understand finds the layout of the state: from the plugin's table, its debug information, for display alone the
// declaration in the watched source, or as nothing but a size.
func (p *pipeline) understand(c *code) error {
	size := c.api.StateSize
	if c.api.Version != abi.Version || size == 0 || size > abi.MaxStateSize {
		return nil // for the guard to refuse
	}
	layout, err := p.findLayout(c, size)
	if err != nil {
		return err
	}
	c.layout = layout
	if c.shown, err = layout.Select(p.cfg.Show); err != nil {
		p.log.Named("state").Warn("cannot show", zap.Error(err), Text("--show: %v", err))
		c.shown, err = layout.Select(nil)
	}
	return err
}

func (p *pipeline) findLayout(c *code, size uint64) (*state.Layout, error) {
	if len(c.api.Fields) > 0 {
		entries := make([]state.Entry, len(c.api.Fields))
		for i, f := range c.api.Fields {
			entries[i] = state.Entry(f)
		}
		layout, err := state.FromTable(size, entries)
		if err != nil {
			return nil, &abi.Mismatch{Field: "fields", Expected: "a table that describes the state", Actual: err.Error()}
		}
		return layout, nil
	}
	layout, err := state.FromDWARF(c.artifact.Path, p.cfg.StateType, size)
	if err == nil {
		return layout, nil
	}
	var unreadable *state.DWARFError
	if errors.As(err, &unreadable) && unreadable.Reason != p.unreadable { // once, not at every build
		p.unreadable = unreadable.Reason
		p.log.Named("state").Warn("cannot read the debug information", zap.Error(err),
			Text("only the size of the state is compared: %s in the debug information: %s (--state-type names another)",
				unreadable.Type, unreadable.Reason))
	}
	for _, path := range p.cfg.Watch {
		source, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if layout, err := state.FromDeclaration(source, p.cfg.StateType, size); err == nil {
			return layout, nil
		}
	}
	return state.SizeOnly(size), nil
}
