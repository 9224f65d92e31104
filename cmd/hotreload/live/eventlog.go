package live

import (
	"fmt"
	"strings"

	"hotreload/engine"
	"hotreload/engine/control"
)

// eventEntry is what the log of a host in another process says of an event, as far as the event tells.
func eventEntry(ev control.Event) entry {
	e := entry{time: ev.Time, name: "server", text: ev.Kind}
	library := ""
	if ev.Generation != nil {
		library = fmt.Sprintf("generation %d, %s (%.12s)", ev.Generation.Number, ev.Generation.Library, ev.Generation.Hash)
	}
	switch engine.Kind(ev.Kind) {
	case engine.Running:
		e.text = "running " + library
	case engine.Changed:
		e.name, e.text = "watch", "change detected: "+strings.Join(ev.Paths, " ")
	case engine.Built:
		e.name, e.text = "build", "success"
	case engine.Swapped:
		e.name, e.text = "reload", "swapped: "+library
	case engine.Unchanged:
		e.name, e.text = "reload", "unchanged, nothing to swap"
	case engine.Rejected:
		e.name, e.bad, e.text = "reload", true, "rejected: "+stageText(ev.Stage, placed(ev))
	case engine.Faulted:
		e.name, e.bad, e.text = "reload", true, "fault: "+ev.Error
	case engine.RolledBack:
		e.name, e.bad, e.text = "reload", true, "rolled back to "+library
	case engine.Reclaimed:
		e.name, e.text = "reload", "reclaimed: "+library
	case engine.Pinned:
		e.name, e.bad, e.text = "reload", true, "stays mapped: "+library+": "+ev.Error
	case engine.PinSet:
		e.name, e.text = "reload", "pinned: "+library
	case engine.PinLifted:
		e.name, e.text = "reload", "unpinned: "+library
	}
	e.text = clean(e.text)
	return e
}

// gapEntry says that events were missed.
func gapEntry(gap control.Gap) entry {
	if gap.Restarted {
		return entry{name: "view", text: "the host has been started anew"}
	}
	return entry{name: "view", text: fmt.Sprintf("events %d to %d are not kept any more", gap.From, gap.To)}
}

// stageText is a failure with the stage that it was in.
func stageText(stage, text string) string {
	if stage == "" || strings.HasPrefix(text, stage+":") {
		return text
	}
	return stage + ": " + text
}
