package live

import (
	"slices"
	"sync"
	"time"

	"hotreload/engine"

	"go.uber.org/zap/zapcore"
)

// keptEntries is how many entries of a log are kept: more than fits on any screen.
const keptEntries = 500

// entry is one line of the log.
type entry struct {
	time time.Time
	name string // of the logger
	bad  bool   // a warning or an error
	text string
}

// Log keeps the end of a log for a view in the same process. It is a zapcore.Core, and never waits for the view.
type Log struct {
	zapcore.LevelEnabler
	*entries
}

type entries struct {
	mu   sync.Mutex
	list []entry
}

// NewLog keeps entries of the given level and above.
func NewLog(least zapcore.LevelEnabler) *Log { return &Log{least, &entries{}} }

// With implements zapcore.Core. The view shows an entry's sentence, which says what matters of its fields.
func (l *Log) With([]zapcore.Field) zapcore.Core { return l }

// Check implements zapcore.Core.
func (l *Log) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if l.Enabled(e.Level) {
		return ce.AddCore(e, l)
	}
	return ce
}

// Write implements zapcore.Core.
func (l *Log) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if text := engine.TextOf(e.Message, fields); text != "" { // else it is for machines
		l.add(entry{e.Time, e.LoggerName, e.Level >= zapcore.WarnLevel, clean(text)})
	}
	return nil
}

// Sync implements zapcore.Core.
func (l *Log) Sync() error { return nil }

func (e *entries) add(one entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.list) == keptEntries {
		e.list = slices.Delete(e.list, 0, 1)
	}
	e.list = append(e.list, one)
}

// all returns what is kept, oldest first.
func (e *entries) all() []entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.list)
}
