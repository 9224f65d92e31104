package live

import "charm.land/lipgloss/v2"

// The view has one colour, for what is new or runs, and red for what went wrong, which words and marks say as well. They
// are those of the terminal's palette, so that they suit its background.
var (
	plain  = lipgloss.NewStyle()
	dim    = plain.Faint(true)
	strong = plain.Bold(true)
	accent = plain.Foreground(lipgloss.Cyan)
	bad    = plain.Bold(true).Foreground(lipgloss.Red)
)
