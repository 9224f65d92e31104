package live

import (
	"strings"
	"unicode/utf8"
)

// legendWidth is what a sparkline leaves for its figures.
const legendWidth = 22

// sparks are the sparklines: lateness over time with marks where swaps were, and what each swap cost, on two lines or
// three.
func (m model) sparks(width, lines int) []panel {
	room := max(width-legendWidth, 8)
	late := m.latePanel(room)
	figure := ""
	if worst, ok := m.pauses.newest(); ok {
		figure = span(worst)
	}
	if lines == 2 {
		late.lines[1] += dim.Render("pause ") + m.pauseBars(6) + " " + figure
		return []panel{late}
	}
	switch {
	case figure != "" && m.pauses[len(m.pauses)-1].worst < 0:
		figure += dim.Render(" by one before")
	case figure != "":
		figure += dim.Render(" by last swap")
	case len(m.pauses) > 0:
		figure = dim.Render("not known yet")
	default:
		figure = dim.Render("no swap yet")
	}
	if strings.Contains(late.lines[1], swapMark) {
		late.lines[1] += dim.Render(swapMark + " swap")
	}
	bars := m.pauseBars(room)
	return []panel{late, {"pause", []string{strings.Repeat(" ", room-utf8.RuneCountInString(bars)) + bars + "  " + figure}}}
}

const swapMark = "╵"

// latePanel is the worst lateness of each second, the newest at the right, and under it where swaps were.
func (m model) latePanel(room int) panel {
	label := "late"
	if m.history.running {
		label = "took"
	}
	columns := m.history.columns[max(len(m.history.columns)-room, 0):]
	var line, marks strings.Builder
	for _, c := range columns {
		line.WriteRune(bar(c.worst))
		if c.swap {
			marks.WriteString(swapMark)
		} else {
			marks.WriteByte(' ')
		}
	}
	worst := "-"
	if d, ok := m.history.last(); ok {
		worst = span(d)
	}
	fill := strings.Repeat(" ", room-len(columns))
	return panel{label, []string{
		fill + line.String() + "  " + worst + dim.Render(" worst of 1s"),
		fill + accent.Render(marks.String()) + "  ",
	}}
}

// pauseBars is what swaps cost, the newest at the right; a dot is not known yet.
func (m model) pauseBars(room int) string {
	var line strings.Builder
	for _, s := range m.pauses[max(len(m.pauses)-room, 0):] {
		if s.worst < 0 {
			line.WriteRune('·')
		} else {
			line.WriteRune(bar(s.worst))
		}
	}
	return line.String()
}
