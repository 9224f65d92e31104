package engine

import (
	"fmt"
	"strings"
	"time"

	"hotreload/engine/state"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Way is how the state came to another layout.
type Way string

// The ways.
const (
	ByName   Way = "name"   // converted field by field
	ByPlugin Way = "plugin" // through the plugin's migrate
	Back     Way = "back"   // in a rollback: converted back, nothing of what both layouts hold is lost
	AsKept   Way = "kept"   // in a rollback: the bytes from the moment when the state left this layout
)

// Migration tells how the state came to the layout of a new generation.
type Migration struct {
	Way     Way
	Added   []string      // fields that only the new layout has
	Dropped []string      // fields that only the old layout had
	Held    time.Duration // how long the first worker to come waited until all shards had migrated
	Tick    uint64        // the tick at which they did, in immediate mode the last of them
	Kept    uint64        // AsKept: the tick of the state that came back; what later ticks did is gone
}

// migrated returns how the state came to c; nil when it was there.
func (c *code) migrated() *Migration {
	m := c.migration
	if m == nil {
		return nil
	}
	r := &Migration{Way: ByName, Held: m.held, Tick: m.tick.Load()}
	switch {
	case m.conversion != nil:
		r.Added, r.Dropped = m.conversion.Added, m.conversion.Dropped
		return r
	case m.function:
		r.Way = ByPlugin
	case m.live():
		r.Way = Back
	default:
		r.Way, r.Kept = AsKept, m.way[len(m.way)-2].since
	}
	for _, d := range state.Diff(m.from.layout, m.to.layout) {
		switch d.Change {
		case state.Added:
			r.Added = append(r.Added, d.Name)
		case state.Removed:
			r.Dropped = append(r.Dropped, d.Name)
		}
	}
	return r
}

// String says it in a sentence.
func (m *Migration) String() string {
	var b strings.Builder
	switch m.Way {
	case ByName:
		b.WriteString("migrated by field name")
	case ByPlugin:
		b.WriteString("migrated by the plugin")
	case Back:
		b.WriteString("migrated back")
	case AsKept:
		fmt.Fprintf(&b, "restored as it was at tick %d, what the ticks from there to %d did is gone", m.Kept, m.Tick)
	}
	for _, list := range []struct {
		verb   string
		fields []string
	}{{"added", m.Added}, {"dropped", m.Dropped}} {
		if len(list.fields) > 0 {
			fmt.Fprintf(&b, "; %s %s", list.verb, strings.Join(list.fields, ", "))
		}
	}
	fmt.Fprintf(&b, "; workers held for %v", m.Held.Round(time.Microsecond))
	return b.String()
}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (m *Migration) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("way", string(m.Way))
	enc.AddUint64("tick", m.Tick)
	zap.Strings("added", m.Added).AddTo(enc)
	zap.Strings("dropped", m.Dropped).AddTo(enc)
	enc.AddDuration("held", m.Held)
	if m.Way == AsKept {
		enc.AddUint64("kept", m.Kept)
	}
	return nil
}

// field is the log field of m, none when it is nil.
func (m *Migration) field() zap.Field {
	if m == nil {
		return zap.Skip()
	}
	return zap.Object("migration", m)
}

// reportMigration says how the state came to another layout, if it did.
func (p *pipeline) reportMigration(m *Migration) {
	if m != nil {
		p.log.Named("state").Info("migrated", m.field(), Text("%s", m))
	}
}

// reportRenamed says which types have other names, where the memory is the same.
func (p *pipeline) reportRenamed(renamed []state.Rename) {
	if len(renamed) == 0 {
		return
	}
	var list []string
	for _, r := range renamed {
		list = append(list, r.String())
	}
	p.log.Named("state").Info("types renamed", zap.Strings("renamed", list),
		Text("types renamed, the memory is the same: %s", strings.Join(list, ", ")))
}
