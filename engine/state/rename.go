package state

import "fmt"

// A Rename is a type that has another name while the memory is the same.
type Rename struct {
	Field              string // whose type it is; "(state)" for the state's own
	Running, Candidate string
}

// String returns the rename in words.
func (r Rename) String() string {
	return fmt.Sprintf("%s from %s to %s", r.Field, r.Running, r.Candidate)
}

// Renames lists the types that are spelled differently in two layouts which are Compatible. What only one side knows the
// spelling of is no difference: a field table has none.
func Renames(running, candidate *Layout) []Rename {
	if !running.describesFields() || !candidate.describesFields() {
		return nil
	}
	return renames(nil, wholeState, "", running, candidate)
}

func renames(list []Rename, whole, prefix string, running, candidate *Layout) []Rename {
	note := func(field, a, b string) {
		if a != "" && b != "" && a != b {
			list = append(list, Rename{field, a, b})
		}
	}
	note(whole, running.TypeName, candidate.TypeName)
	theirs := byName(candidate)
	for _, f := range running.Fields {
		g := theirs[f.Name]
		if f.Element != nil && g.Element != nil {
			list = renames(list, prefix+f.Name+"[]", prefix+f.Name+"[].", f.Element, g.Element)
			continue
		}
		note(prefix+f.Name, f.Type, g.Type)
	}
	return list
}
