package state

import (
	"fmt"
	"io"
	"strings"
)

// A Change says how a field differs.
type Change uint8

// The changes. A field that is both of another kind and elsewhere counts as Retyped, one that is longer and elsewhere as
// Resized. Renamed is a field that went and one that came with the same place, kind and count.
const (
	Added Change = iota + 1
	Removed
	Renamed
	Retyped
	Resized
	Moved
)

// String returns the change in one word.
func (c Change) String() string {
	switch c {
	case Added:
		return "added"
	case Removed:
		return "removed"
	case Renamed:
		return "renamed"
	case Retyped:
		return "retyped"
	case Resized:
		return "resized"
	case Moved:
		return "moved"
	}
	return fmt.Sprintf("change(%d)", uint8(c))
}

const (
	// absent describes a field that a layout does not have.
	absent = "absent"
	// wholeState is the name under which a difference in the total size is listed.
	wholeState = "(state)"
)

// A Difference is one field that two layouts do not agree on. Fields of array elements are named items[].hp.
type Difference struct {
	Name               string
	Change             Change
	Running, Candidate string // "i32@8", "absent"; for a renamed field with its name before it; "24 bytes" for the state
}

// Diff lists what differs between the layout of the running state and a candidate's, in the order of the running
// fields, added ones last. A difference in size comes first. Between layouts of which one is known by size alone there
// is nothing else to compare. Where one layout comes from a field table and the other from debug information, what the
// table leaves out or calls bytes is no difference.
func Diff(running, candidate *Layout) []Difference {
	var diff []Difference
	if running.Size != candidate.Size {
		diff = append(diff, Difference{wholeState, Resized,
			fmt.Sprintf("%d bytes", running.Size), fmt.Sprintf("%d bytes", candidate.Size)})
	}
	if running.Source == SourceSize || candidate.Source == SourceSize {
		return diff
	}
	return diffFields(diff, "", running, candidate)
}

func diffFields(diff []Difference, prefix string, running, candidate *Layout) []Difference {
	mixed := (running.Source == SourceTable) != (candidate.Source == SourceTable)
	theirs := byName(candidate)
	var removed []Field
	for _, f := range running.Fields {
		g, kept := theirs[f.Name]
		delete(theirs, f.Name)
		switch {
		case !kept && mixed && beyond(f, running, candidate):
		case !kept:
			removed = append(removed, f)
		case f.Element != nil && g.Element != nil:
			if change := changed(f, g, mixed); change != 0 {
				diff = append(diff, Difference{prefix + f.Name, change, f.describe(), g.describe()})
			}
			if !mixed && f.Element.Size != g.Element.Size {
				diff = append(diff, Difference{prefix + f.Name + "[]", Resized,
					fmt.Sprintf("%d bytes", f.Element.Size), fmt.Sprintf("%d bytes", g.Element.Size)})
			}
			diff = diffFields(diff, prefix+f.Name+"[].", f.Element, g.Element)
		default:
			if change := changed(f, g, mixed); change != 0 {
				diff = append(diff, Difference{prefix + f.Name, change, f.describe(), g.describe()})
			}
		}
	}
	var added []Field
	for _, g := range candidate.Fields {
		if _, isNew := theirs[g.Name]; isNew && (!mixed || !beyond(g, candidate, running)) {
			added = append(added, g)
		}
	}
	return append(diff, comingsAndGoings(prefix, removed, added)...)
}

// comingsAndGoings lists removed and added fields, those as renamed that are the same but for the name.
func comingsAndGoings(prefix string, removed, added []Field) []Difference {
	var diff []Difference
	at := make(map[string]int, len(added)) // by description, the index in added plus one
	for i, g := range added {
		at[g.describe()] = i + 1
	}
	renamed := make([]bool, len(added))
	for _, f := range removed {
		i := at[f.describe()]
		if i == 0 || renamed[i-1] || !sameContent(f, added[i-1]) {
			diff = append(diff, Difference{prefix + f.Name, Removed, f.describe(), absent})
			continue
		}
		g := added[i-1]
		renamed[i-1] = true
		diff = append(diff, Difference{prefix + f.Name, Renamed, f.Name + " " + f.describe(), g.Name + " " + g.describe()})
	}
	for i, g := range added {
		if !renamed[i] {
			diff = append(diff, Difference{prefix + g.Name, Added, absent, g.describe()})
		}
	}
	return diff
}

func byName(l *Layout) map[string]Field {
	m := make(map[string]Field, len(l.Fields))
	for _, f := range l.Fields {
		m[f.Name] = f
	}
	return m
}

// changed compares two fields of the same name, elements apart; 0 if they are equal.
func changed(f, g Field, mixed bool) Change {
	if mixed && f.Offset == g.Offset && f.Size == g.Size && (f.Kind == Bytes || g.Kind == Bytes) {
		return 0 // a table calls bytes what it has no better word for
	}
	switch {
	case f.Kind != g.Kind || f.content != g.content || (f.Element == nil) != (g.Element == nil):
		return Retyped
	case f.Count != g.Count || f.BitSize != g.BitSize:
		return Resized
	case f.Offset != g.Offset || f.BitOffset != g.BitOffset:
		return Moved
	}
	return 0
}

// sameContent reports whether two fields at the same place with the same description hold the same.
func sameContent(f, g Field) bool {
	if (f.Element == nil) != (g.Element == nil) || f.content != g.content {
		return false
	}
	return f.Element == nil || f.Element.Hash() == g.Element.Hash()
}

// beyond reports whether the absence of f from the other layout, known from another source, means nothing: every byte
// of f is in no field of a table there, or in one that the table calls bytes; or f is itself such bytes of a table, and
// no field of the other layout crosses its edges.
func beyond(f Field, own, other *Layout) bool {
	if own.Source == SourceTable && !f.opaque() {
		return false // the other source knows all fields, and this is none
	}
	for _, g := range other.Fields {
		if g.end() <= f.Offset || g.Offset >= f.end() {
			continue
		}
		inside := g.opaque() && g.Offset <= f.Offset && f.end() <= g.end()
		around := f.Offset <= g.Offset && g.end() <= f.end()
		if own.Source == SourceTable && !around || other.Source == SourceTable && !inside {
			return false
		}
	}
	return true
}

// Compatible reports whether code for the candidate may go on with the running state as it is: equal size, and no
// difference in any field that both sides know. Of a layout that is known by size alone, or from source text, only the
// size is compared.
func Compatible(running, candidate *Layout) bool {
	if running.Size != candidate.Size {
		return false
	}
	if !running.describesFields() || !candidate.describesFields() {
		return true
	}
	return len(Diff(running, candidate)) == 0
}

// PrintDiff writes differences as an aligned table. With reasons, by field name, against a conversion there is a column
// for them.
func PrintDiff(w io.Writer, diff []Difference, reasons map[string]string) error {
	var b strings.Builder
	b.WriteString("field\tchange\trunning\tcandidate")
	if len(reasons) > 0 {
		b.WriteString("\tin the way")
	}
	b.WriteByte('\n')
	for _, d := range diff {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s", d.Name, d.Change, d.Running, d.Candidate)
		if reason := reasons[d.Name]; reason != "" {
			b.WriteString("\t" + reason)
		}
		b.WriteByte('\n')
	}
	if err := align(w, b.String()); err != nil {
		return fmt.Errorf("print the differences: %w", err)
	}
	return nil
}
