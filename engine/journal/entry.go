package journal

import "time"

// Version is that of the format.
const Version = 1

// Header is the first line of a run: all that its history depends on besides the code.
type Header struct {
	Journal   int       `json:"journal"` // Version
	Time      time.Time `json:"time"`
	Plugin    string    `json:"plugin"` // base name of the library
	Seed      uint64    `json:"seed"`
	Shards    int       `json:"shards"`
	DT        int64     `json:"dt_ns"` // simulated length of a tick in nanoseconds
	Swap      string    `json:"swap"`  // aligned or immediate
	Migrate   string    `json:"migrate"`
	StateType string    `json:"state_type"`
	StateSize uint64    `json:"state_size"`        // bytes
	Layout    string    `json:"layout,omitempty"`  // hash of the layout of the state, where the library itself tells it
	Resumed   bool      `json:"resumed,omitempty"` // the state came from an earlier run
}

// Kind says what an Entry tells of.
type Kind string

// The kinds.
const (
	Begin     Kind = "begin"     // the first generation
	Swap      Kind = "swap"      // a new generation
	Rollback  Kind = "rollback"  // a new generation of earlier code, asked for or after a fault
	Fault     Kind = "fault"     // plugin code faulted
	Leave     Kind = "leave"     // some shards left faulty code before the generation that replaced it
	Withdrawn Kind = "withdrawn" // a generation to which the state could not migrate; what ran before went on
	End       Kind = "end"       // the run ended regularly
)

// Entry is one line after the header.
type Entry struct {
	Kind Kind      `json:"kind"`
	Time time.Time `json:"time"`
	// Generation is the published one, the one that faulted, or the one that was in force when shards left it.
	Generation uint64 `json:"generation,omitempty"`
	// Tick is the activation tick; that of the fault; the first that the shards did not run on the faulty code; or the
	// number of ticks run.
	Tick uint64 `json:"tick"`

	// Begin, Swap, Rollback, Withdrawn.
	Epoch     uint64 `json:"epoch,omitempty"`
	Artifact  string `json:"artifact,omitempty"` // SHA-256 of the library
	Library   string `json:"library,omitempty"`  // its base name
	Opened    uint64 `json:"opened,omitempty"`   // which opening of a library it runs on: a rollback may share one
	Migration string `json:"migration,omitempty"`
	Relieves  bool   `json:"relieves,omitempty"` // opened to take the place of faulty code: held shards make up for their ticks

	// Fault, Leave.
	First    int    `json:"first,omitempty"`    // shard
	Count    int    `json:"count,omitempty"`    // shards
	Function string `json:"function,omitempty"` // of logic_api_t
	Error    string `json:"error,omitempty"`
	By       uint64 `json:"by,omitempty"`     // the generation whose code took the place, 0: the shards were held
	Broken   bool   `json:"broken,omitempty"` // a tick was left in the middle, and what it had done stayed

	// End.
	State string `json:"state,omitempty"` // hash of the state
}

// Published tells whether the entry is a publication.
func (e *Entry) Published() bool { return e.Kind == Begin || e.Kind == Swap || e.Kind == Rollback }
