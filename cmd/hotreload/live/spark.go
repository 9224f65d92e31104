package live

import (
	"strings"
	"time"
)

// legendWidth is what a sparkline leaves for its figures.
const legendWidth = 22

// sparks are the sparklines: lateness over time with marks where swaps were, and what each swap cost, on two lines or
// three.
func (m model) sparks(width, lines int) []panel {
	room := max(width-legendWidth, 8)
	late := m.latePanel(room)
	if lines == 2 {
		bars, figure := m.pauses(6)
		late.lines[1] += dim.Render("pause ") + bars + " " + figure
		return []panel{late}
	}
	bars, figure := m.pauses(room)
	if figure != "" {
		figure += dim.Render(" at last swap")
	} else {
		figure = dim.Render("no swap yet")
	}
	if strings.Contains(late.lines[1], swapMark) {
		late.lines[1] += dim.Render(swapMark + " swap")
	}
	return []panel{late, {"pause", []string{pad("", room-len(m.history.pauses)) + bars + "  " + figure}}}
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

// pauses returns the worst lateness around each swap as bars, the newest at the right, and the last as a figure: "" if
// there is none.
func (m model) pauses(room int) (bars, figure string) {
	var line strings.Builder
	last := time.Duration(-1)
	for _, d := range m.history.pauses[max(len(m.history.pauses)-room, 0):] {
		line.WriteRune(bar(d))
		last = d
	}
	switch {
	case last >= 0:
		figure = span(last)
	case len(m.history.pauses) > 0:
		figure = "no tick"
	}
	return line.String(), figure
}
