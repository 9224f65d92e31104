package abi

import "fmt"

// Mismatch is a refusal by the guard: one field of the candidate's API is not what the host can accept.
type Mismatch struct {
	Field    string
	Expected string
	Actual   string
	Hint     string // what the author can do; may be empty
}

// Error implements error.
func (m *Mismatch) Error() string {
	s := fmt.Sprintf("%s: expected %s, got %s", m.Field, m.Expected, m.Actual)
	if m.Hint != "" {
		s += " (" + m.Hint + ")"
	}
	return s
}
