package live

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

const (
	fieldWidth = 34 // of one column of fields
	nameWidth  = 18 // of a name, at most
	hexBytes   = 16 // in a line, where no field is known
)

// fieldColumns returns how many fields stand beside each other.
func fieldColumns(width int) int { return max(width/fieldWidth, 1) }

// fieldRows returns how many lines all fields take.
func (m model) fieldRows(width int) int { return max(len(m.fieldLines(width)), 1) }

// lastScroll returns how far the fields can be scrolled.
func (m model) lastScroll() int {
	if !m.fits() {
		return 0
	}
	p := m.plan()
	return max(len(m.fieldLines(p.right-labelWidth))-(p.state-1), 0)
}

// statePanel is the state of one shard.
func (m model) statePanel(width, rows int) panel {
	p := panel{label: "state", lines: []string{m.stateHead(width)}}
	lines := m.fieldLines(width)
	from := min(m.scroll, max(len(lines)-(rows-1), 0))
	p.lines = append(p.lines, lines[from:min(from+rows-1, len(lines))]...)
	if hidden := len(lines) - from - (rows - 1); hidden > 0 {
		p.lines[0] = opposite(p.lines[0], dim.Render(fmt.Sprintf("↓ %d more", hidden)), width)
	}
	for len(p.lines) < rows {
		p.lines = append(p.lines, "")
	}
	return p
}

func (m model) stateHead(width int) string {
	if m.status.Generation == nil {
		return dim.Render("none yet")
	}
	picker := fmt.Sprintf("shard %d", m.shard) + dim.Render(fmt.Sprintf(" of 0 to %d ←→", m.status.Shards-1))
	if m.status.Shards == 1 {
		picker = "shard 0"
	}
	switch {
	case m.stateErr != nil:
		return picker + "  " + bad.Render(fit(reason(m.stateErr), width-ansi.StringWidth(picker)-2))
	case len(m.state.Shards) == 0 || m.state.Shards[0].Shard != m.shard:
		return picker + dim.Render("  …")
	}
	return picker + dim.Render(fmt.Sprintf("  tick %d  %d bytes", m.state.Tick, m.state.Size))
}

// fieldLines returns all fields as lines.
func (m model) fieldLines(width int) (lines []string) {
	if len(m.state.Shards) == 0 {
		return nil
	}
	shard := m.state.Shards[0]
	if len(shard.Fields) == 0 {
		for part := range slices.Chunk([]byte(shard.Hex), 2*hexBytes) {
			offset := dim.Render(fmt.Sprintf("%04x  ", len(lines)*hexBytes))
			lines = append(lines, fit(offset+clean(string(part)), width))
		}
		return lines
	}
	names := 0
	for _, f := range shard.Fields {
		names = max(names, min(ansi.StringWidth(f.Name), nameWidth))
	}
	columns := fieldColumns(width)
	column := width / columns
	for row := range slices.Chunk(shard.Fields, columns) {
		var line strings.Builder
		for _, f := range row {
			cell := dim.Render(pad(fit(clean(f.Name), names), names)) + " " + valueText(f.Value, digitsAlone)
			line.WriteString(pad(fit(cell, column-2), column))
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return lines
}

// Digits of a number: more do not change visibly.
const (
	digitsAlone   = 9
	digitsInArray = 5
	shownElements = 64 // of an array: more do not fit on a line
)

// valueText is a value on one line.
func valueText(v any, digits int) string {
	switch v := v.(type) {
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return v.String()
		}
		if _, err := strconv.ParseUint(v.String(), 10, 64); err == nil {
			return v.String()
		}
		if f, err := v.Float64(); err == nil {
			return strconv.FormatFloat(f, 'g', digits, 64)
		}
	case []any:
		texts := make([]string, 0, shownElements)
		for _, element := range v[:min(len(v), shownElements)] {
			texts = append(texts, valueText(element, digitsInArray))
		}
		return "[" + strings.Join(texts, " ") + "]"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return clean(string(text))
}
