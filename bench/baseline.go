package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Baseline bounds ratios of reports. It holds no times: those differ from machine to machine.
type Baseline struct {
	// Bounds are by the name of the ratio.
	Bounds map[string]Bound `json:"bounds"`
}

// Bound is what one ratio was when the baseline was made, and how much more it may become.
type Bound struct {
	Ratio  float64 `json:"ratio"`
	Factor float64 `json:"factor"` // a report's ratio above Ratio times Factor is a regression
}

// ReadBaseline reads a baseline.
func ReadBaseline(from io.Reader) (*Baseline, error) {
	var b Baseline
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&b); err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	for name, bound := range b.Bounds {
		if bound.Ratio <= 0 || bound.Factor < 1 {
			return nil, fmt.Errorf("read the baseline: %q: expected a positive ratio and a factor of at least 1, got %+v", name, bound)
		}
	}
	return &b, nil
}

// Update sets the bounds to the ratios of r, where it has them. Factors stay.
func (b *Baseline) Update(r *Report) {
	for name, bound := range b.Bounds {
		if ratio, ok := r.Ratios[name]; ok && ratio > 0 {
			bound.Ratio, _ = strconv.ParseFloat(strconv.FormatFloat(ratio, 'g', 3, 64), 64) // which it has written itself
			b.Bounds[name] = bound
		}
	}
}

// Write writes the baseline, a line for each bound.
func (b *Baseline) Write(to io.Writer) error {
	var text strings.Builder
	text.WriteString("{\n  \"bounds\": {")
	separator := "\n"
	for _, name := range slices.Sorted(maps.Keys(b.Bounds)) {
		bound := b.Bounds[name]
		fmt.Fprintf(&text, "%s    %q: { \"ratio\": %v, \"factor\": %v }", separator, name, bound.Ratio, bound.Factor)
		separator = ",\n"
	}
	text.WriteString("\n  }\n}\n")
	_, err := io.WriteString(to, text.String())
	return err
}

// Regression is a ratio beyond its bound.
type Regression struct {
	Name  string
	Ratio float64
	Bound Bound
}

// String implements fmt.Stringer.
func (r Regression) String() string {
	return fmt.Sprintf("%s: %.2f, expected at most %.2f (%.2f when the baseline was made)",
		r.Name, r.Ratio, r.Bound.Ratio*r.Bound.Factor, r.Bound.Ratio)
}

// Check returns the ratios of r that are beyond their bounds, and the names of bounds for which r has no ratio, as when it
// was made without cgo. Both are sorted.
func (b *Baseline) Check(r *Report) (regressions []Regression, missing []string) {
	for name, bound := range b.Bounds {
		ratio, ok := r.Ratios[name]
		switch {
		case !ok:
			missing = append(missing, name)
		case ratio > bound.Ratio*bound.Factor:
			regressions = append(regressions, Regression{name, ratio, bound})
		}
	}
	slices.SortFunc(regressions, func(a, b Regression) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	slices.Sort(missing)
	return regressions, missing
}
