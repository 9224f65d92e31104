package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"hotreload/engine"
)

// sightings is what a demonstration has shown.
type sightings struct {
	swaps      []swapSeen
	refusals   []refusalSeen
	ticks      uint64
	longestGap time.Duration // between two ticks of the slowest worker, as sampled from outside
	status     engine.Status // after the end
}

// swapSeen is one swap.
type swapSeen struct {
	took      time.Duration // from the save to the publication
	meanwhile uint64        // ticks run in that time
	tick      uint64        // from which the new code ran
	state     string        // of all shards at that tick
	expected  string        // the same, by arithmetic
}

// refusalSeen is one refusal.
type refusalSeen struct {
	stage engine.Stage // that should have refused
	good  bool         // it did, and the generation that ran before ran on
	err   error
}

// claim is one line of the summary.
type claim struct {
	name, detail string
	holds        bool
}

// claims checks the sightings against what hotreload promises.
func (s *sightings) claims() []claim {
	var took, states, meanwhile []string
	carried, flowing := true, true
	for _, swap := range s.swaps {
		took = append(took, rounded(swap.took))
		states = append(states, fmt.Sprintf("%s at tick %d", swap.state, swap.tick))
		if swap.state != swap.expected {
			states[len(states)-1] += ", expected " + swap.expected
			carried = false
		}
		due := uint64(swap.took / demoTick)
		meanwhile = append(meanwhile, fmt.Sprintf("%d of %d", swap.meanwhile, due))
		flowing = flowing && swap.meanwhile >= due/2 // a host that stops for its reload runs none
	}
	skipped := "none skipped"
	if !carried {
		skipped = "some skipped or run twice"
	}
	all := []claim{
		{"swaps", fmt.Sprintf("%d, from save to swap %s", len(s.swaps), strings.Join(took, ", ")), len(s.swaps) == 3},
		{"state", fmt.Sprintf("same in all %d shards: %s", s.status.Shards, strings.Join(states, "; ")), carried},
		{"ticks", fmt.Sprintf("%d, %s; from save to swap ran %s that were due; longest gap %s",
			s.ticks, skipped, strings.Join(meanwhile, ", "), rounded(s.longestGap)), carried && flowing},
	}
	for _, refusal := range s.refusals {
		all = append(all, claim{"refused", refusal.err.Error(), refusal.good})
	}
	return append(all, claim{"libraries", fmt.Sprintf("%d loaded, %d unmapped", s.status.Loaded, s.status.Reclaimed),
		s.status.Loaded > 0 && s.status.Loaded == s.status.Reclaimed})
}

// print writes the summary and reports whether everything was as promised.
func (s *sightings) print(w io.Writer) (good bool, err error) {
	good = true
	var text strings.Builder
	for _, c := range s.claims() {
		verdict := "ok"
		if !c.holds {
			verdict, good = "NOT OK", false
		}
		fmt.Fprintf(&text, "  %-6s  %-9s  %s\n", verdict, c.name, c.detail)
	}
	_, err = io.WriteString(w, text.String())
	return good, err
}

// rounded shows a duration in milliseconds with one decimal.
func rounded(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
