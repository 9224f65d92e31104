package report

import (
	_ "embed" // for the page
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"hotreload/bench"
	"hotreload/engine/control/web/uplot"
)

//go:embed page.html
var page string

// chart is the data of one chart, in the form that uPlot wants: first the x values, then those of each series.
type chart struct {
	Title  string       `json:"title"`
	Names  []string     `json:"names"`
	Values [][]*float64 `json:"values"`
}

// charts makes one chart for each group: the worst tick around a swap against the share of swaps that were no worse.
func charts(r *bench.Report) []chart {
	const points = 100
	var all []chart
	for _, g := range groups(r) {
		c := chart{Title: g.Title, Values: [][]*float64{make([]*float64, points+1)}}
		for i := range points + 1 {
			c.Values[0][i] = new(float64(i) * 100 / points)
		}
		for _, cell := range g.Cells {
			c.Names = append(c.Names, name(cell.Cell))
			series := make([]*float64, points+1)
			for i := range series {
				series[i] = &cell.Windows[i*(len(cell.Windows)-1)/points]
			}
			c.Values = append(c.Values, series)
		}
		all = append(all, c)
	}
	return all
}

// HTML writes the report as one page that loads nothing.
func HTML(to io.Writer, r *bench.Report) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"number": func(v float64) string { return fmt.Sprintf("%.3g", v) },
		"whole":  func(v float64) string { return fmt.Sprintf("%.0f", v) },
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("parse the page: %w", err)
	}
	// Escapes <, > and &, so that it cannot end the script.
	data, err := json.Marshal(map[string]any{"worst": charts(r), "late": curves(r), "lines": timelines(r)})
	if err != nil {
		return fmt.Errorf("encode the charts: %w", err)
	}
	err = t.Execute(to, map[string]any{
		"Report": r, "Groups": groups(r), "Stages": waterfall(r), "Targets": bench.Targets(r), "Charts": template.JS(data),
		"Script": template.JS(uplot.Script), "Style": template.CSS(uplot.Style),
	})
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
