package state

import (
	"fmt"
	"strconv"
	"strings"
)

// SelectAll selects every field.
const SelectAll = "all"

// Select returns the fields that names mean, in the order of the names. Without names it is those the plugin marked to
// be shown, else the first. A name is that of a field; of a struct, for all of its fields ("pos" for pos.x and pos.y);
// of one element of an array ("speed[2]", "items[3]", "items[3].hp"); or SelectAll. A layout of which only the size is
// known has one field to select, its bytes. An unknown name is an error that lists what there is.
func (l *Layout) Select(names []string) ([]Field, error) {
	if len(l.Fields) == 0 {
		raw := Field{Name: "bytes", Kind: Bytes, Size: l.Size, Count: l.Size}
		for _, name := range names {
			if name != SelectAll && name != raw.Name {
				return nil, l.unknown(name)
			}
		}
		return []Field{raw}, nil
	}
	if len(names) == 0 {
		return l.preselected(), nil
	}
	var chosen []Field
	for _, name := range names {
		if name == SelectAll {
			chosen = append(chosen, l.Fields...)
			continue
		}
		matching := l.lookup(name)
		if len(matching) == 0 {
			return nil, l.unknown(name)
		}
		chosen = append(chosen, matching...)
	}
	return chosen, nil
}

// preselected returns the fields that are shown when nobody chooses.
func (l *Layout) preselected() []Field {
	var shown []Field
	for _, f := range l.Fields {
		if f.Shown {
			shown = append(shown, f)
		}
	}
	if len(shown) == 0 {
		return l.Fields[:1:1]
	}
	return shown
}

// lookup returns the fields that a name means, none if it means nothing.
func (l *Layout) lookup(name string) []Field {
	var below []Field
	for _, f := range l.Fields {
		if f.Name == name {
			return []Field{f}
		}
		if rest, ok := strings.CutPrefix(f.Name, name); ok && (rest[0] == '.' || rest[0] == '[') {
			below = append(below, f)
		}
	}
	if below != nil {
		return below
	}
	for _, f := range l.Fields {
		index, ok := strings.CutPrefix(name, f.Name+"[")
		if !ok {
			continue
		}
		number, rest, ok := strings.Cut(index, "]")
		i, err := strconv.ParseUint(number, 10, 64)
		if !ok || err != nil || i >= f.Count || f.opaque() {
			continue
		}
		return f.element(i, strings.TrimPrefix(rest, "."), rest)
	}
	return nil
}

// element returns element i of the field, or those of its fields that name means. rest is name with what precedes it,
// empty if there is nothing behind the index.
func (f Field) element(i uint64, name, rest string) []Field {
	prefix := fmt.Sprintf("%s[%d]", f.Name, i)
	start := f.Offset + i*f.stride()
	if f.Element == nil {
		if rest != "" {
			return nil
		}
		f.Name, f.Offset, f.Size, f.Count = prefix, start, f.stride(), 1
		f.Type, _, _ = strings.Cut(f.Type, "[")
		return []Field{f}
	}
	inner := f.Element.Fields
	if rest != "" {
		if name == rest {
			return nil // something other than a dot behind the index
		}
		inner = f.Element.lookup(name)
	}
	moved := make([]Field, len(inner))
	for n, e := range inner {
		e.Name = prefix + "." + e.Name
		e.Offset += start
		moved[n] = e
	}
	return moved
}

// unknown says that there is no such field and lists those there are.
func (l *Layout) unknown(name string) error {
	const most = 40
	if len(l.Fields) == 0 {
		return fmt.Errorf("no field %q: nothing is known of the state but its size; build with -g or export a field table", name)
	}
	var have []string
	for _, f := range l.Fields {
		if len(have) == most {
			have = append(have, fmt.Sprintf("and %d more", len(l.Fields)-most))
			break
		}
		have = append(have, f.Name)
	}
	return fmt.Errorf("no field %q in the state; there are: %s", name, strings.Join(have, ", "))
}
