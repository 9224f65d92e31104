package report

import (
	"fmt"

	"hotreload/bench"
	"hotreload/bench/internal/strategy"
	"hotreload/bench/pause"
)

// group is the cells that ran under the same load, at the usual rate and without swaps.
type group struct {
	Title string
	Cells []pause.Result
}

// groups collects the cells that can be compared, in the order of the report. A load with one strategy is no comparison.
// Whole engines are another comparison: their windows last longer.
func groups(r *bench.Report) []group {
	var all []group
	at := make(map[string]int)
	for _, c := range r.Pause {
		if c.Rate != pause.UsualRate && c.Rate != pause.Control || c.Cell.Control().Strategy == strategy.Engine || len(c.Windows) == 0 {
			continue
		}
		title := title(c.Cell)
		i, ok := at[title]
		if !ok {
			i = len(all)
			at[title] = i
			all = append(all, group{Title: title})
		}
		all[i].Cells = append(all[i].Cells, c)
	}
	return all
}

func title(c pause.Cell) string {
	pace := "back to back"
	if c.Period != 0 {
		pace = fmt.Sprint("every ", c.Period)
	}
	text := fmt.Sprintf("%s, %s, ticks %s", count(c.Workers, "worker"), count(c.Shards, "shard"), pace)
	if c.Large {
		text += ", a library that loads for milliseconds"
	}
	return text
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}

// name is what a cell is called beside others of its group.
func name(c pause.Cell) string {
	if c.Rate == pause.Control {
		return "no swap"
	}
	return c.Strategy
}
