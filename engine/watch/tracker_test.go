package watch

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// holding makes the content of a file from its text; "-" stands for a missing file.
func holding(text string) content {
	if text == "-" {
		return absent
	}
	c := content{exists: true, size: int64(len(text))}
	copy(c.sum[:], text)
	return c
}

var absent content

// step is something that happens to a tracker at a time in milliseconds, and what the tracker must offer afterwards.
type step struct {
	at    int
	file  string // observed, as "name=text"
	stir  bool   // an event that changes nothing
	take  bool   // the consumer takes what is offered
	offer string // "", "unsettled a b", "settled a b", with "!" appended to the word if it asks for a restart
}

func describe(b Batch, ok bool) string {
	if !ok {
		return ""
	}
	word := "unsettled"
	if b.Settled {
		word = "settled"
	}
	if b.Restart {
		word += "!"
	}
	for _, path := range b.Paths {
		word += " " + path
	}
	return word
}

func TestTracker(t *testing.T) {
	tests := []struct {
		name  string
		steps []step
	}{
		{"one save: an unsettled batch at once, a settled one after the quiet time", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 1, take: true},
			{at: 24},
			{at: 25, offer: "settled a"},
			{at: 26, take: true},
		}},
		{"identical content is nothing", []step{
			{at: 0, file: "a=1"},
			{at: 100, stir: true},
			{at: 200},
		}},
		{"an event without change prolongs an open burst", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 0, take: true},
			{at: 20, stir: true},
			{at: 30},
			{at: 45, offer: "settled a"},
		}},
		{"each further content is a restart", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 0, take: true},
			{at: 10, file: "a=3", offer: "unsettled! a"},
			{at: 10, take: true},
			{at: 35, offer: "settled a"},
		}},
		{"there and back while nobody was told is nothing", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 5, file: "a=1"},
			{at: 30},
		}},
		{"there and back after the consumer was told: empty batches", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 0, take: true},
			{at: 5, file: "a=1", offer: "unsettled"},
			{at: 5, take: true},
			{at: 30, offer: "settled"},
			{at: 30, take: true},
		}},
		{"rename away and create: gone for a moment", []step{
			{at: 0, file: "a=-"},
			{at: 1, file: "a=2", offer: "unsettled! a"},
			{at: 1, take: true},
			{at: 26, offer: "settled a"},
		}},
		{"rename away and create the same", []step{
			{at: 0, file: "a=-"},
			{at: 1, file: "a=1"},
			{at: 30},
		}},
		{"truncate and write: empty for a moment", []step{
			{at: 0, file: "a="},
			{at: 1, file: "a=2", offer: "unsettled! a"},
		}},
		{"a removal counts when settled", []step{
			{at: 0, file: "a=-"},
			{at: 24},
			{at: 25, offer: "settled! a"},
			{at: 25, take: true},
			{at: 50, file: "a=1", offer: "unsettled! a"},
		}},
		{"an emptied file counts when settled", []step{
			{at: 0, file: "a="},
			{at: 25, offer: "settled! a"},
		}},
		{"a removal after the build has started asks for a restart when settled", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 0, take: true},
			{at: 5, file: "b=-"},
			{at: 30, offer: "settled! a b"},
		}},
		{"a removal before the build has started does not", []step{
			{at: 0, file: "b=-"},
			{at: 1, file: "a=2", offer: "unsettled! a"},
			{at: 1, take: true},
			{at: 26, offer: "settled a b"},
		}},
		{"a temporary file that comes and goes", []step{
			{at: 0, file: "t="},
			{at: 1, file: "t=2", offer: "unsettled! t"},
			{at: 1, take: true},
			{at: 2, file: "t=-"},
			{at: 5, file: "a=2", offer: "unsettled! a"},
			{at: 5, take: true},
			{at: 30, offer: "settled a"},
		}},
		{"a burst that does not end settles after the maximum wait", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 0, take: true},
			{at: 20, stir: true},
			{at: 40, stir: true},
			{at: 60, stir: true},
			{at: 80, stir: true},
			{at: 99, stir: true},
			{at: 100, offer: "settled a"},
			{at: 100, take: true},
			{at: 101, file: "a=3", offer: "unsettled! a"},
		}},
		{"a storm restarts the build ever more rarely", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 0, take: true},
			{at: 1, file: "b=2"},
			{at: 4, offer: "unsettled! a b"},
			{at: 4, take: true},
			{at: 5, file: "c=2"},
			{at: 9},
			{at: 11, offer: "unsettled! a b c"},
			{at: 11, take: true},
			{at: 36, offer: "settled a b c"},
		}},
		{"what came between two chances to restart restarts at the end", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 0, take: true},
			{at: 4, file: "a=3", offer: "unsettled! a"},
			{at: 4, take: true},
			{at: 11, file: "a=4", offer: "unsettled! a"},
			{at: 11, take: true},
			{at: 24, file: "a=5", offer: "unsettled! a"},
			{at: 24, take: true},
			{at: 48, stir: true},
			{at: 50, file: "a=6", offer: "unsettled! a"},
			{at: 50, take: true},
			{at: 74, stir: true},
			{at: 76, file: "a=7", offer: "unsettled! a"},
			{at: 76, take: true},
			{at: 90, file: "a=8"},
			{at: 100, offer: "settled! a"},
		}},
		{"a consumer that was away for two bursts gets one batch", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 25, offer: "settled! a"},
			{at: 100, file: "b=2", offer: "unsettled! a b"},
			{at: 125, offer: "settled! a b"},
			{at: 130, take: true},
			{at: 300},
		}},
		{"a change after an untaken settled batch holds the verdict", []step{
			{at: 0, file: "a=2", offer: "unsettled! a"},
			{at: 0, take: true},
			{at: 25, offer: "settled a"},
			{at: 30, file: "a=3", offer: "unsettled! a"},
			{at: 31, take: true},
			{at: 55, offer: "settled a"},
		}},
		{"a removed temporary alone leaves no trace", []step{
			{at: 0, file: "t=x", offer: "unsettled! t"},
			{at: 1, file: "t=-"},
			{at: 30},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tr := newTracker(25*time.Millisecond, 100*time.Millisecond)
			tr.adopt("a", holding("1"))
			tr.adopt("b", holding("1"))
			var seq uint64
			for i, s := range test.steps {
				now := epoch.Add(time.Duration(s.at) * time.Millisecond)
				if tr.due(now) {
					tr.settle()
				}
				if s.take {
					batch, ok := tr.offer(now)
					if seq++; !ok || batch.Seq != seq {
						t.Fatalf("step %d: offered %+v (%t) to be taken; want a batch with Seq %d", i, batch, ok, seq)
					}
					tr.taken(now)
				}
				if s.file != "" {
					tr.observe(s.file[:1], holding(s.file[2:]), now)
				}
				if s.stir {
					tr.stir(now)
				}
				if got := describe(tr.offer(now)); got != s.offer {
					t.Fatalf("step %d, at %d ms: offered %q, want %q", i, s.at, got, s.offer)
				}
			}
		})
	}
}

func TestTrackerWakesInTime(t *testing.T) {
	tr := newTracker(24*time.Millisecond, 100*time.Millisecond)
	if wake, ok := tr.wake(epoch); ok {
		t.Fatalf("idle, but wakes at %v", wake)
	}
	tr.observe("a", holding("2"), epoch)
	tr.taken(epoch)
	for _, want := range []time.Duration{3, 24} { // the next restart, then the end of the burst
		at, ok := tr.wake(epoch.Add((want - 1) * time.Millisecond))
		if got := at.Sub(epoch); !ok || got != want*time.Millisecond {
			t.Fatalf("wakes after %v (%t), want %v", got, ok, want*time.Millisecond)
		}
	}
}

func TestTrackerBatchTellsItsFirstEvent(t *testing.T) {
	tr := newTracker(25*time.Millisecond, time.Second)
	tr.observe("a", holding("2"), epoch)
	tr.observe("a", holding("3"), epoch.Add(time.Millisecond))
	if batch, _ := tr.offer(epoch.Add(time.Millisecond)); !batch.First.Equal(epoch) {
		t.Errorf("First is %v, want %v", batch.First, epoch)
	}
	tr.settle()
	tr.taken(epoch)
	later := epoch.Add(time.Hour)
	tr.observe("a", holding("4"), later)
	if batch, _ := tr.offer(later); !batch.First.Equal(later) {
		t.Errorf("First of the next burst is %v, want %v", batch.First, later)
	}
}

// TestTrackerModel drives a tracker with arbitrary events and an arbitrarily slow consumer against a model that keeps whole
// copies of the world, and checks what a consumer relies on.
func TestTrackerModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const debounce, maxWait = 8 * time.Millisecond, 40 * time.Millisecond
		tr := newTracker(debounce, maxWait)
		world := map[string]content{"a": holding("1"), "b": holding("1"), "c": holding("")}
		for path, c := range world {
			tr.adopt(path, c)
		}
		base := maps.Clone(world) // as of the last settled batch taken
		told := maps.Clone(world) // as of the last batch taken
		pending := false          // a build was started, no verdict released
		now := epoch
		var seq uint64
		var changed, event time.Time // oldest change that no batch, and newest event that no settled batch, has told of

		differs := func(from map[string]content, hollow bool) []string {
			paths := []string{}
			for path, c := range world {
				if c != from[path] && (hollow || !c.hollow()) {
					paths = append(paths, path)
				}
			}
			slices.Sort(paths)
			return paths
		}
		check := func(batch Batch) {
			seq++
			want := Batch{Seq: seq, Settled: batch.Settled, First: batch.First, Paths: differs(base, batch.Settled)}
			want.Restart = len(want.Paths) > 0 && len(differs(told, batch.Settled)) > 0
			if diff := cmp.Diff(want, batch); diff != "" {
				t.Fatalf("batch (-want +got):\n%s", diff)
			}
			switch {
			case !batch.Settled && len(differs(told, false)) == 0:
				t.Fatal("an unsettled batch without news")
			case batch.Settled && !pending && len(batch.Paths) == 0:
				t.Fatal("a settled batch about nothing")
			case batch.Settled && now.Sub(event) < debounce && now.Sub(changed) < maxWait:
				t.Fatalf("settled %v after an event and %v after the first change", now.Sub(event), now.Sub(changed))
			}
		}
		take := func() {
			batch, ok := tr.offer(now)
			if !ok {
				return
			}
			check(batch)
			tr.taken(now)
			maps.Copy(told, world)
			pending = !batch.Settled
			if batch.Settled {
				maps.Copy(base, world)
				changed = time.Time{}
			}
		}
		advance := func(d time.Duration) {
			now = now.Add(d)
			if tr.due(now) {
				tr.settle()
			}
		}

		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				path := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "path")
				c := holding(rapid.SampledFrom([]string{"1", "2", "3", "", "-"}).Draw(t, "text"))
				if c != world[path] {
					event = now
					if changed.IsZero() {
						changed = now
					}
				}
				if got, want := tr.observe(path, c, now), c != world[path]; got != want {
					t.Fatalf("observe said %t, want %t", got, want)
				}
				world[path] = c
			},
			"stir": func(*rapid.T) { tr.stir(now) },
			"wait": func(t *rapid.T) {
				advance(time.Duration(rapid.IntRange(0, 12).Draw(t, "ms")) * time.Millisecond)
			},
			"take": func(*rapid.T) { take() },
			"quiet": func(t *rapid.T) {
				// However the burst went: a patient consumer soon knows all, and then hears nothing more.
				for range 3 {
					take()
					advance(maxWait)
				}
				if paths := differs(base, true); len(paths) > 0 || pending {
					t.Fatalf("after quiet: not told of %v, verdict pending: %t", paths, pending)
				}
				if batch, ok := tr.offer(now); ok {
					t.Fatalf("after quiet: offered %+v", batch)
				}
				if wake, ok := tr.wake(now); ok {
					t.Fatalf("after quiet: wakes at %v", wake)
				}
				if len(tr.now)+len(tr.told) > 0 {
					t.Fatalf("after quiet: remembers %v, %v", tr.now, tr.told)
				}
			},
		})
	})
}

func BenchmarkTrackerStorm(b *testing.B) {
	const files = 500
	paths := make([]string, files)
	for i := range paths {
		paths[i] = fmt.Sprintf("/src/file%03d.c", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		tr := newTracker(defaultDebounce, defaultMaxWait)
		for i, path := range paths {
			now := epoch.Add(time.Duration(i) * 100 * time.Microsecond)
			tr.observe(path, holding("2"), now)
			if _, ok := tr.offer(now); ok {
				tr.taken(now)
			}
		}
		tr.settle()
		tr.taken(epoch)
	}
}
