package live

import (
	"fmt"
	"slices"
	"strings"

	"hotreload/engine/control"

	"github.com/charmbracelet/x/ansi"
)

// cellGap is what lies between two workers of the grid, besides the room for a mark.
const cellGap = " "

// cellStyles are from the longest to the shortest.
var cellStyles = []func(control.Worker) string{
	func(w control.Worker) string {
		what, p99 := timing(w)
		return fmt.Sprintf("%3d  tick %d  generation %d  %s %s", w.Worker, w.Tick, w.Generation, what, p99)
	},
	func(w control.Worker) string {
		_, p99 := timing(w)
		return fmt.Sprintf("%d %d g%d %s", w.Worker, w.Tick, w.Generation, p99)
	},
	func(w control.Worker) string {
		_, p99 := timing(w)
		return fmt.Sprintf("%d g%d %s", w.Worker, w.Generation, p99)
	},
}

// timing is what one in a hundred of a worker's ticks exceeds, and of what.
func timing(w control.Worker) (what, p99 string) {
	switch {
	case w.Late.Count > 0:
		return "late", span(seconds(w.Late.P99))
	case w.Took.Count > 0:
		return "took", span(seconds(w.Took.P99))
	}
	return "late", "-"
}

// cells returns the workers as cells of one width, in the longest style with which they fill at most rows lines, and how
// many cells a line has. A worker that is stuck is marked.
func (m model) cells(width, rows int) (cells []string, perRow int) {
	all := m.workers.Workers
	cells = make([]string, len(all))
	for _, style := range cellStyles {
		widest := 0
		for i, w := range all {
			if cells[i] = style(w); w.Stuck > 0 {
				cells[i] = fmt.Sprintf("%d stuck %s", w.Worker, span(seconds(w.Stuck)))
			}
			widest = max(widest, ansi.StringWidth(cells[i]))
		}
		for i, w := range all {
			if cells[i] = pad(cells[i], widest); w.Stuck > 0 {
				cells[i] = bad.Render("✗ " + cells[i])
			} else {
				cells[i] = "  " + cells[i]
			}
		}
		perRow = max((width+len(cellGap))/(2+widest+len(cellGap)), 1)
		if n := len(cells); n <= rows*perRow {
			lines := max((n+perRow-1)/perRow, 1)
			return cells, (n + lines - 1) / lines // as many in each line
		}
	}
	return cells, perRow
}

// workerRows returns how many lines the workers would take, at most most.
func (m model) workerRows(width, most int) int {
	cells, perRow := m.cells(width, most)
	if len(cells) == 0 {
		return 1
	}
	return min((len(cells)+perRow-1)/perRow, most)
}

// workersPanel is the grid of workers. If there are more than fit, those that are stuck come first.
func (m model) workersPanel(width, rows int) panel {
	p := panel{label: "workers"}
	if len(m.workers.Workers) == 0 {
		p.lines = []string{dim.Render("none yet")}
		return p
	}
	cells, perRow := m.cells(width, rows)
	if room := rows * perRow; len(cells) > room {
		order := make([]int, len(cells))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return stuckFirst(m.workers.Workers[a], m.workers.Workers[b]) })
		shown := make([]string, 0, room)
		for _, i := range order[:room-1] {
			shown = append(shown, cells[i])
		}
		shown = append(shown, dim.Render(fmt.Sprintf("  %d more", len(cells)-room+1)))
		cells = shown
	}
	for row := range slices.Chunk(cells, perRow) {
		p.lines = append(p.lines, strings.Join(row, cellGap))
	}
	return p
}

func stuckFirst(a, b control.Worker) int {
	switch {
	case (a.Stuck > 0) == (b.Stuck > 0):
		return 0
	case a.Stuck > 0:
		return -1
	}
	return 1
}
