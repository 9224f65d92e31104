package live

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// head is two lines: what runs and where, and the sums.
func (m model) head(width int) []string {
	s := m.status
	parts := []string{m.mood()}
	if g := s.Generation; g != nil {
		parts = append(parts, strong.Render(fmt.Sprintf("generation %d", g.Number)), clean(g.Library), fmt.Sprintf("%.12s", g.Hash))
		if s.Pin {
			parts = append(parts, accent.Render("pinned"))
		}
		parts = append(parts, dim.Render(fmt.Sprintf("from tick %d", g.Activation)))
	}
	sums := []string{
		fmt.Sprintf("tick %d", s.Ticks), plural(s.Swaps, "swap", "swaps"), fmt.Sprintf("%d rejected", s.Rejections), faults(s.Faults),
		fmt.Sprintf("%d loaded", s.Loaded), fmt.Sprintf("%d unmapped", s.Reclaimed),
	}
	if s.Pinned > 0 {
		sums = append(sums, plural(s.Pinned, "stays mapped", "stay mapped"))
	}
	sums = append(sums, plural(uint64(s.Shards), "shard", "shards"))
	up := ""
	if m.known {
		up = "up " + seconds(s.Uptime).Round(time.Second).String()
	} else {
		sums = nil
	}
	return []string{
		opposite(packed(parts, "  ", width, 1)[0], dim.Render(clean(m.host)), width),
		opposite(packed(sums, " · ", width, 1)[0], dim.Render(up), width),
	}
}

// mood is one word on how the host is.
func (m model) mood() string {
	switch {
	case m.lost != nil:
		return bad.Render("✗ no connection")
	case !m.known:
		return dim.Render("○ connecting")
	case !m.status.Running:
		return dim.Render("○ starting or ending")
	case m.status.Generation == nil:
		return accent.Render("○ waiting for a good build")
	case m.status.Paused:
		return accent.Render("○ paused")
	}
	return accent.Render("● running")
}

func faults(n uint64) string {
	text := plural(n, "fault", "faults")
	if n > 0 {
		return bad.Render(text)
	}
	return text
}

// opposite puts two texts at the ends of a line, the right one only if there is room.
func opposite(left, right string, width int) string {
	free := width - ansi.StringWidth(left) - ansi.StringWidth(right)
	if right == "" || free < 2 {
		return left
	}
	return left + strings.Repeat(" ", free) + right
}
