package watch

import (
	"maps"
	"slices"
	"time"
)

// tracker decides what to tell the consumer and when. It knows three states of the world:
//
//	base   as it was when the consumer took the last settled batch
//	told   as it was when the consumer took the last batch of the burst, if it took one
//	now    as it is
//
// What to tell is never queued but derived from the three, so nothing is lost or told twice however slow the consumer is.
// It has no clock and touches no disk. Not safe for concurrent use.
type tracker struct {
	debounce, maxWait time.Duration

	base map[string]content // every watched file that exists
	now  map[string]content // what was found in this burst; other files are as in base
	told map[string]content // now, as of the last batch taken; other files are as in base

	phase  phase
	first  time.Time // first event since the last settled batch was taken
	opened time.Time // when the burst became open
	last   time.Time // last event of the open burst

	seq       uint64
	hasTold   bool          // an unsettled batch was taken in this burst
	spacing   time.Duration // least time from the last unsettled batch to the next
	notBefore time.Time     // no unsettled batch is offered before this
}

type phase int

const (
	idle    phase = iota // nothing differs from base, nothing to tell
	open                 // events are coming
	settled              // the burst is over, its settled batch is not taken yet
)

func newTracker(debounce, maxWait time.Duration) *tracker {
	t := &tracker{
		debounce: debounce,
		maxWait:  maxWait,
		base:     make(map[string]content),
		now:      make(map[string]content),
		told:     make(map[string]content),
	}
	t.spacing = t.firstSpacing()
	return t
}

// adopt makes a file known without calling it a change. A file already known keeps what is known.
func (t *tracker) adopt(path string, c content) {
	_, based := t.base[path]
	_, found := t.now[path]
	if !based && !found && c.exists {
		t.base[path] = c
	}
}

// observe takes note of what a file holds and reports whether that is news.
func (t *tracker) observe(path string, c content, at time.Time) bool {
	if c == t.current(path) {
		return false
	}
	if t.phase != open {
		t.phase = open
		t.opened, t.last = at, at
	}
	if t.first.IsZero() {
		t.first = at
	}
	t.now[path] = c
	t.stir(at)
	return true
}

// stir takes note of an event that may have changed nothing: an open burst lasts longer.
func (t *tracker) stir(at time.Time) {
	if t.phase == open && at.After(t.last) {
		t.last = at
	}
}

// due reports whether the open burst ought to settle.
func (t *tracker) due(at time.Time) bool {
	return t.phase == open && !at.Before(t.settlesAt())
}

// settle ends the open burst.
func (t *tracker) settle() {
	t.phase = settled
	if !t.hasTold && len(t.changes()) == 0 {
		t.rebase()
	}
}

// wake returns when due or offer will next answer otherwise without an event.
func (t *tracker) wake(at time.Time) (time.Time, bool) {
	if t.phase != open {
		return time.Time{}, false
	}
	if wake := t.settlesAt(); !t.notBefore.After(at) || wake.Before(t.notBefore) {
		return wake, true
	}
	return t.notBefore, true
}

// offer returns the batch that the consumer ought to get now, if any.
func (t *tracker) offer(at time.Time) (Batch, bool) {
	switch {
	case t.phase == open && !at.Before(t.notBefore) && t.stale(false):
		paths := slices.DeleteFunc(t.changes(), func(path string) bool { return t.now[path].hollow() })
		return Batch{Seq: t.seq + 1, Paths: paths, Restart: len(paths) > 0, First: t.first}, true
	case t.phase == settled:
		paths := t.changes()
		return Batch{Seq: t.seq + 1, Paths: paths, Restart: len(paths) > 0 && t.stale(true), Settled: true, First: t.first}, true
	}
	return Batch{}, false
}

// taken takes note that the consumer has got what offer returned last.
func (t *tracker) taken(at time.Time) {
	t.seq++
	if t.phase == settled {
		t.rebase()
		return
	}
	// Hollow files too: a build that starts now finds them gone.
	maps.Copy(t.told, t.now)
	t.hasTold = true
	t.notBefore = at.Add(t.spacing)
	t.spacing = min(2*t.spacing, t.debounce)
}

// rebase makes what is there now the state that further changes are measured by.
func (t *tracker) rebase() {
	for path, c := range t.now {
		if c.exists {
			t.base[path] = c
		} else {
			delete(t.base, path)
		}
	}
	clear(t.now)
	clear(t.told)
	t.phase = idle
	t.hasTold = false
	t.first = time.Time{}
	t.notBefore = time.Time{}
	t.spacing = t.firstSpacing()
}

// burst returns the files with something found in this burst, in no order.
func (t *tracker) burst() []string { return slices.Collect(maps.Keys(t.now)) }

func (t *tracker) current(path string) content {
	if c, ok := t.now[path]; ok {
		return c
	}
	return t.base[path]
}

// changes returns the sorted paths that differ from base.
func (t *tracker) changes() []string {
	paths := make([]string, 0, len(t.now))
	for path, c := range t.now {
		if c != t.base[path] {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// stale reports whether something differs from what the consumer was told last, hollow files only if wanted.
func (t *tracker) stale(hollow bool) bool {
	for path, c := range t.now {
		told, ok := t.told[path]
		if !ok {
			told = t.base[path]
		}
		if c != told && (hollow || !c.hollow()) {
			return true
		}
	}
	return false
}

func (t *tracker) settlesAt() time.Time {
	quiet, limit := t.last.Add(t.debounce), t.opened.Add(t.maxWait)
	if limit.Before(quiet) {
		return limit
	}
	return quiet
}

// firstSpacing keeps a storm from restarting a build for every file: the second unsettled batch comes at once for a person
// who saves twice, but the distance doubles with each further one up to the debounce.
func (t *tracker) firstSpacing() time.Duration { return t.debounce / 8 }
