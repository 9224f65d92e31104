package live

import (
	"time"

	"hotreload/engine"
	"hotreload/engine/control"
)

// stages are those that a change is shown to go through, in their order.
var stages = []string{"watch", "build", "settle", "inspect", "trial", "load", "guard", "publish", "migrate", "grace", "reclaim"}

// failedRun is what failed when a generation faulted: none of the stages.
const failedRun = string(engine.StageRun)

// change is how far the last change has come: what the events have told of it.
type change struct {
	took   map[string]time.Duration // by stage
	under  string                   // the stage under way; "": none
	failed string                   // the stage that refused it, or failedRun
	why    string                   // the first compiler diagnostic, or what else that stage said
	result string                   // what became of it; "": nothing yet
	number uint64                   // of the generation that it replaced
}

// placed is what a stage said, and where in a source if it is about one.
func placed(ev control.Event) string {
	if ev.Place == "" {
		return ev.Error
	}
	return ev.Place + ": " + ev.Error
}

// follow takes over an event.
func (c *change) follow(ev control.Event) {
	switch engine.Kind(ev.Kind) {
	case engine.Changed:
		*c = change{under: "build"}
	case engine.Built:
		*c = change{under: "inspect"}
	case engine.Running, engine.Swapped, engine.Unchanged, engine.Rejected:
		*c = change{took: make(map[string]time.Duration), result: ev.Kind}
		for stage, s := range ev.Seconds {
			c.took[stage] = seconds(s)
		}
		if ev.Kind == string(engine.Rejected) {
			c.failed, c.why = ev.Stage, clean(placed(ev))
		}
		if ev.Kind == string(engine.Swapped) {
			c.under, c.number = "grace", ev.Generation.Number-1
		}
	case engine.Faulted:
		*c = change{failed: failedRun, why: clean(ev.Error), result: ev.Kind}
	case engine.RolledBack:
		if c.result != string(engine.Faulted) {
			*c = change{} // somebody asked for it
		}
		c.result = ev.Kind
	case engine.Reclaimed, engine.Pinned:
		if c.under != "grace" || ev.Generation == nil || ev.Generation.Number != c.number {
			return // an older one
		}
		c.under = ""
		for _, stage := range []string{"grace", "reclaim"} {
			if s, ok := ev.Seconds[stage]; ok {
				c.took[stage] = seconds(s)
			}
		}
	}
}
