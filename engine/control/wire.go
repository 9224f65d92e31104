package control

import (
	"errors"
	"time"

	"hotreload/engine"
	"hotreload/engine/build"

	"go.uber.org/zap/zapcore"
)

// Status is a picture of a host at one moment.
type Status struct {
	Running    bool        `json:"running"`
	PID        int         `json:"pid"`
	Uptime     float64     `json:"uptime_seconds"`
	Generation *Generation `json:"generation"` // that runs; null before the first
	Ticks      uint64      `json:"ticks"`      // completed by every worker
	Shards     int         `json:"shards"`
	Workers    int         `json:"workers"`
	Paused     bool        `json:"paused"`
	Pin        bool        `json:"pin"`   // the generation is kept until it is unpinned
	Swaps      uint64      `json:"swaps"` // publications after the first
	Rejections uint64      `json:"rejections"`
	Faults     uint64      `json:"faults"`
	Loaded     uint64      `json:"libraries_loaded"`
	Reclaimed  uint64      `json:"libraries_reclaimed"` // closed, and verified to be unmapped
	Pinned     uint64      `json:"libraries_pinned"`    // closed, and still mapped
	Watch      string      `json:"watch"`
	Outcome    Outcome     `json:"outcome"` // of the last reload
}

// Generation is a published artifact.
type Generation struct {
	Number     uint64 `json:"number"`
	Epoch      uint64 `json:"epoch"`
	Activation uint64 `json:"activation_tick"`
	Hash       string `json:"hash"` // SHA-256 of the library, hexadecimal
	Library    string `json:"library"`
	APIVersion int32  `json:"api_version"`
	Revision   int32  `json:"api_revision"`
}

// Generations is those that are published and not yet reclaimed, oldest first.
type Generations struct {
	Running     uint64       `json:"running"` // number of the one that runs, 0 before the first
	Generations []Generation `json:"generations"`
}

// The results of an Outcome.
const (
	ResultNone       = "none"        // nothing has been reloaded yet
	ResultSwapped    = "swapped"     // a generation was published
	ResultRolledBack = "rolled-back" // an earlier artifact was published again
	ResultUnchanged  = "unchanged"   // the library is the one that runs
	ResultRejected   = "rejected"    // a stage refused it
	ResultFaulted    = "faulted"     // it faulted
)

// Outcome is what became of a reload.
type Outcome struct {
	Result   string `json:"result"`
	Stage    string `json:"stage,omitempty"` // that refused it
	Error    string `json:"error,omitempty"`
	Place    string `json:"place,omitempty"` // what a build complained about: file:line:column, as far as known
	ExitCode int    `json:"exit_code"`       // as the hotreload command would report it
}

// Verdict is the answer to a reload, a rollback or a push that was carried out.
type Verdict struct {
	Outcome
	Generation *Generation `json:"generation"` // that runs now
}

// Event is one thing that happened in a host.
type Event struct {
	Seq        uint64             `json:"seq"`
	Time       time.Time          `json:"time"`
	Kind       string             `json:"kind"`
	Generation *Generation        `json:"generation,omitempty"`
	Paths      []string           `json:"paths,omitempty"`
	Stage      string             `json:"stage,omitempty"`
	Error      string             `json:"error,omitempty"`
	Place      string             `json:"place,omitempty"` // as in Outcome
	Seconds    map[string]float64 `json:"stage_seconds,omitempty"`

	Migration   *Migration   `json:"migration,omitempty"`   // of the state, to the generation's layout
	Differences []Difference `json:"differences,omitempty"` // why the guard has refused the layout
}

// KindGap is the kind of the marker that stands for events a reader has missed, see Gap.
const KindGap = "gap"

// Gap tells a reader of events that there were some that are not kept any more.
type Gap struct {
	From      uint64 `json:"missed_from"` // the first one missed; 0: none of this run
	To        uint64 `json:"missed_to"`
	Restarted bool   `json:"restarted"` // the events before were those of another run
}

// Events is those that are kept, oldest first.
type Events struct {
	Last   string  `json:"last_event_id"`
	Events []Event `json:"events"`
}

// Health says whether the host runs.
type Health struct {
	Status string `json:"status"` // "ok": a generation runs; everything else is a Problem
}

// State is a copy of the state of some shards at one tick.
type State struct {
	Generation uint64  `json:"generation"`
	Tick       uint64  `json:"tick"`
	Size       int     `json:"size"`   // bytes of one shard
	Source     string  `json:"source"` // where the layout is known from
	Shards     []Shard `json:"shards"`
}

// Shard is the state of one shard.
type Shard struct {
	Shard  int    `json:"shard"`
	Fields Fields `json:"fields"`
	Hex    string `json:"hex,omitempty"` // the first bytes, where no field is known
}

func newGeneration(g engine.Generation) *Generation {
	if g.Number == 0 {
		return nil
	}
	return &Generation{
		Number: g.Number, Epoch: g.Epoch, Activation: g.Activation, Hash: g.Hash, Library: g.Library,
		APIVersion: g.APIVersion, Revision: g.Revision,
	}
}

func newOutcome(err error) Outcome {
	o := Outcome{Result: ResultSwapped, ExitCode: engine.ExitCode(err)}
	var se *engine.StageError
	switch {
	case err == nil:
		return o
	case errors.Is(err, engine.ErrUnchanged):
		o.Result = ResultUnchanged
		return o
	case errors.As(err, &se):
		o.Stage = string(se.Stage)
		o.Result, o.Error = ResultRejected, se.Err.Error()
		if f := (*build.Failure)(nil); errors.As(se.Err, &f) {
			o.Place = f.Diagnostic.Place()
		}
		if se.Stage == engine.StageRun {
			o.Result = ResultFaulted
		}
		return o
	}
	o.Result, o.Error = ResultRejected, err.Error()
	return o
}

func newEvent(ev engine.Event) Event {
	e := Event{
		Seq: ev.Seq, Time: ev.Time, Kind: string(ev.Kind), Generation: newGeneration(ev.Generation), Paths: ev.Paths,
		Seconds: seconds(ev.Stages), Migration: newMigration(ev.Migration), Differences: newDifferences(ev.Err),
	}
	if ev.Err != nil {
		o := newOutcome(ev.Err)
		e.Stage, e.Error, e.Place = o.Stage, o.Error, o.Place
	}
	return e
}

// seconds returns how long each stage took, for those that were reached. The names are those of the log.
func seconds(s engine.Stages) map[string]float64 {
	stages := zapcore.NewMapObjectEncoder()
	if s.MarshalLogObject(stages) != nil {
		return nil
	}
	all := make(map[string]float64, len(stages.Fields))
	for name, value := range stages.Fields {
		if took, ok := value.(time.Duration); ok {
			all[name] = took.Seconds()
		}
	}
	return all
}
