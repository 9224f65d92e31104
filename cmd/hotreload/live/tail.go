package live

import "time"

// clockWidth is from which width on the log shows when.
const clockWidth = 90

// logPanel is the end of the log.
func (m model) logPanel(width, rows int) panel {
	p := panel{label: "log"}
	for _, e := range m.entries[max(len(m.entries)-rows, 0):] {
		line := ""
		if width >= clockWidth && !e.time.IsZero() {
			line = dim.Render(e.time.Local().Format(time.TimeOnly)) + "  "
		}
		name := dim.Render("[" + e.name + "]")
		if e.bad {
			name = bad.Render("[" + e.name + "]")
		}
		p.lines = append(p.lines, fit(line+name+" "+e.text, width))
	}
	if len(p.lines) == 0 {
		p.lines = []string{dim.Render("nothing yet")}
	}
	return p
}
