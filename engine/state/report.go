package state

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// String returns the table that Print writes.
func (l *Layout) String() string {
	var b strings.Builder
	_ = l.Print(&b) // a Builder never fails
	return b.String()
}

// Print writes the layout as a table, one field a line with offset, size, type and name, the bytes that belong to no
// field, and the total. Offsets with a plus sign count from the start of an array's element.
func (l *Layout) Print(w io.Writer) error {
	name := l.TypeName
	if name == "" {
		name = "state"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d bytes, alignment %d (%s)\n", name, l.Size, l.Align, l.Source)
	if len(l.Fields) == 0 {
		fmt.Fprintf(&b, "total %d bytes, nothing known of its fields\n", l.Size)
	} else {
		b.WriteString("offset\tsize\ttype\tname\n")
		padding := l.printFields(&b, "", "")
		fmt.Fprintf(&b, "total %d bytes, %d fields, %d bytes in no field\n", l.Size, len(l.Fields), padding)
	}
	if err := align(w, b.String()); err != nil {
		return fmt.Errorf("print the layout: %w", err)
	}
	return nil
}

// align writes lines with columns separated by tabs.
func align(w io.Writer, lines string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(t, lines); err != nil {
		return err
	}
	return t.Flush()
}

// printFields writes the lines of one level and returns the bytes that belong to none of its fields.
func (l *Layout) printFields(b *strings.Builder, sign, prefix string) (padding uint64) {
	gap := func(g span) {
		padding += g.to - g.from
		fmt.Fprintf(b, "%s%d\t%d\t\t(padding)\n", sign, g.from, g.to-g.from)
	}
	gaps := l.gaps()
	for _, f := range l.Fields {
		for len(gaps) > 0 && gaps[0].from < f.Offset {
			gap(gaps[0])
			gaps = gaps[1:]
		}
		spelled := clip(f.Type)
		if spelled == "" {
			spelled, _, _ = strings.Cut(f.describe(), "@")
		}
		place := fmt.Sprintf("%s%d", sign, f.Offset)
		size := fmt.Sprint(f.Size)
		if f.BitSize != 0 {
			place = fmt.Sprintf("%s.%d", place, f.BitOffset)
			size = fmt.Sprintf("%d bits", f.BitSize)
		}
		fmt.Fprintf(b, "%s\t%s\t%s\t%s\n", place, size, spelled, prefix+f.Name)
		if f.Element != nil {
			padding += f.Count * f.Element.printFields(b, "+", prefix+f.Name+"[].")
		}
	}
	for _, g := range gaps {
		gap(g)
	}
	return padding
}

// clip shortens a spelled type, that of a union with many members say, to what fits into a column.
func clip(spelled string) string {
	const most = 48
	if runes := []rune(spelled); len(runes) > most {
		return string(runes[:most-2]) + ".."
	}
	return spelled
}

// A span is a range of bytes, the end excluded.
type span struct{ from, to uint64 }

// gaps returns the whole bytes that belong to no field, in order.
func (l *Layout) gaps() []span {
	var gaps []span
	var end uint64
	for _, f := range l.Fields {
		if f.Offset > end {
			gaps = append(gaps, span{end, f.Offset})
		}
		end = max(end, f.end())
	}
	if l.Size > end {
		gaps = append(gaps, span{end, l.Size})
	}
	return gaps
}
