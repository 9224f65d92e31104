package live

// stagesPanel is how the last change went: what became of it, one stage after the other up to the last that was reached,
// and if that one has refused it, why.
func (m model) stagesPanel(width int) panel {
	c := m.change
	var parts []string
	for _, stage := range stages {
		if stage == c.failed {
			break // what was measured behind it, as the rest of the debounce, says nothing
		}
		took, done := c.took[stage]
		switch {
		case stage == c.under:
			parts = append(parts, accent.Render(stage+" …"))
		case done:
			parts = append(parts, dim.Render(stage)+" "+span(took))
		case c.under == "inspect" && stage == "build":
			parts = append(parts, dim.Render(stage)+" ✓")
		}
	}
	if c.failed != "" {
		text := "✗ " + c.failed
		if took, done := c.took[c.failed]; done {
			text += " " + span(took)
		}
		parts = append(parts, bad.Render(text))
	}
	if len(parts) == 0 {
		parts = []string{""}
	}
	switch {
	case c.result != "":
		parts[0] = c.sum() + "  " + parts[0]
	case c.under == "":
		parts[0] = dim.Render("no change yet")
	}
	p := panel{"stages", packed(parts, " › ", width, 3)}
	if c.why != "" {
		for _, line := range wrapped(c.why, width-2, 2) {
			p.lines = append(p.lines, "  "+bad.Render(line))
		}
	}
	return p
}

// sum is what became of a change, and how long that took from the save to the verdict.
func (c change) sum() string {
	text := c.result
	if total := c.took["total"]; total > 0 {
		text += " in " + span(total)
	}
	if c.failed != "" {
		return bad.Render(text)
	}
	return strong.Render(text)
}
