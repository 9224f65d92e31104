package live

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// The sizes of a window, in characters.
const (
	leastWidth, leastHeight = 60, 16
	wideWidth               = 110 // from here on the state stands beside the workers
	airyHeight              = 24  // from here on there are lines between panels
)

const labelWidth = 9 // of the column at the left that names the panels

// panel is some lines under one name.
type panel struct {
	label string
	lines []string
}

// draw returns the panel's lines, in width, with its name in front of the first.
func (p panel) draw(width int) []string {
	drawn := make([]string, len(p.lines))
	for i, line := range p.lines {
		label := ""
		if i == 0 {
			label = p.label
		}
		drawn[i] = strings.TrimRight(dim.Render(pad(label, labelWidth))+fit(line, width-labelWidth), " ")
	}
	return drawn
}

// plan is which panel gets how many lines, and of what width.
type plan struct {
	wide                bool
	airy                bool
	left, right         int // widths, of panels with their names
	stages, sparks      int
	workers, state, log int
}

// The lines of panels whose height is fixed.
const (
	headLines = 2
	footLines = 1
)

// fits tells whether the window is large enough to show anything.
func (m model) fits() bool { return m.width >= leastWidth && m.height >= leastHeight }

// plan divides the window.
func (m model) plan() plan {
	p := plan{wide: m.width >= wideWidth, airy: m.height >= airyHeight, left: m.width, right: m.width}
	if p.wide {
		p.left = (m.width - 2) / 2
		p.right = m.width - 2 - p.left
	}
	p.sparks = 2
	if p.airy {
		p.sparks = 3
	}
	p.stages = len(m.stagesPanel(m.width - labelWidth).lines)
	rest := m.height - headLines - p.stages - footLines
	if p.airy {
		rest -= 2 // a rule under the head, and one above the log
	}
	if m.large {
		p.log = rest
		return p
	}
	log := max(2, rest/4)
	if p.wide {
		beside := max(m.workerRows(p.left-labelWidth, rest/2)+p.sparks, 1+m.fieldRows(p.right-labelWidth))
		beside = min(max(beside, p.sparks+1), rest-log)
		p.workers, p.state, p.log = beside-p.sparks, beside, rest-beside
		return p
	}
	rest -= p.sparks
	p.workers = min(m.workerRows(p.left-labelWidth, max(rest/4, 1)), rest-log-2)
	p.state = min(1+m.fieldRows(p.right-labelWidth), rest-log-p.workers)
	p.log = rest - p.workers - p.state
	return p
}

// View implements tea.Model.
func (m model) View() tea.View {
	v := tea.NewView(m.frame())
	v.AltScreen = true
	return v
}

// frame returns what the window shows.
func (m model) frame() string {
	if m.left {
		return "" // a terminal that was resized meanwhile may show what was there last
	}
	if !m.fits() {
		return fit("the window is too small: 60×16 at least", m.width)
	}
	p := m.plan()
	lines := m.head(m.width)
	if p.airy {
		lines = append(lines, rule(m.width))
	}
	if m.help {
		lines = append(lines, m.helpLines(m.width)...)
	} else {
		lines = append(lines, m.stagesPanel(m.width-labelWidth).draw(m.width)...)
		lines = append(lines, m.middle(p)...)
		if p.airy {
			lines = append(lines, rule(m.width))
		}
		lines = append(lines, m.logPanel(m.width-labelWidth, p.log).draw(m.width)...)
	}
	for len(lines) < m.height-footLines {
		lines = append(lines, "")
	}
	return strings.Join(append(lines[:m.height-footLines], m.foot(m.width)), "\n")
}

// middle is the workers, how they keep time, and the state.
func (m model) middle(p plan) []string {
	if m.large {
		return nil
	}
	left := m.workersPanel(p.left-labelWidth, p.workers).draw(p.left)
	for len(left) < p.workers {
		left = append(left, "")
	}
	for _, spark := range m.sparks(p.left-labelWidth, p.sparks) {
		left = append(left, spark.draw(p.left)...)
	}
	right := m.statePanel(p.right-labelWidth, p.state).draw(p.right)
	if !p.wide {
		return append(left, right...)
	}
	for i := range left {
		if i < len(right) {
			left[i] = strings.TrimRight(pad(left[i], p.left+2)+right[i], " ")
		}
	}
	return left
}

func rule(width int) string { return dim.Render(strings.Repeat("─", width)) }
