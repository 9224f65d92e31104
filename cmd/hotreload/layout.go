package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"hotreload/engine"
	"hotreload/engine/artifact"
	"hotreload/engine/state"

	"github.com/spf13/cobra"
)

// layoutJSON is a layout for other programs to read.
type layoutJSON struct {
	File     string      `json:"file,omitempty"` // not inside a field
	Type     string      `json:"type,omitempty"`
	Size     uint64      `json:"size"`
	Align    uint64      `json:"align"`
	Pointers bool        `json:"pointers,omitempty"`
	Fields   []fieldJSON `json:"fields"`
}

type fieldJSON struct {
	Name      string      `json:"name"`
	Kind      string      `json:"kind"`
	Type      string      `json:"type"`
	Offset    uint64      `json:"offset"`
	Size      uint64      `json:"size"`
	Count     uint64      `json:"count"`
	BitOffset uint8       `json:"bit_offset,omitempty"`
	BitSize   uint8       `json:"bit_size,omitempty"`
	Element   *layoutJSON `json:"element,omitempty"` // of an array of structs
}

// newLayout returns the command that shows what a plugin's state looks like in memory.
func newLayout(t *terminal) *cobra.Command {
	var (
		format, name string
		size         uint64
	)
	cmd := &cobra.Command{
		Use:   "layout FILE.so",
		Short: "Show the state's fields, offsets and padding from a library's debug information, without loading it",
		Long: "Reads the layout of the state from the debug information of a library: build it with -g. The host compares\n" +
			"layouts when it swaps code. Exits with 1 if there is no debug information or no such type in it, and with\n" +
			"11 if the file is no library that the host would load.",
		Args: oneLibrary,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			layout, err := readLayout(args[0], name, size)
			if err != nil {
				return t.noLayout(args[0], err)
			}
			if format == "json" {
				out := toJSON(layout)
				out.File = args[0]
				return t.printJSON(out)
			}
			return t.printLayout(layout)
		},
		ValidArgsFunction: completeLibrary,
	}
	cmd.Flags().StringVar(&name, "state-type", state.DefaultTypeName, "`NAME` of the state's type, as in game::state_t")
	cmd.Flags().Uint64Var(&size, "size", 0, "of several types of that name, the one of so many `BYTES`")
	addFormat(cmd, &format)
	for _, flag := range []string{"state-type", "size"} {
		must(cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions))
	}
	return cmd
}

// readLayout reads the layout of the type with that name; size 0 stands for the only size there is.
func readLayout(path, name string, size uint64) (*state.Layout, error) {
	if _, err := artifact.Inspect(path); err != nil {
		return nil, err
	}
	layout, err := state.FromDWARF(path, name, size)
	var other *state.DWARFError
	if size != 0 || !errors.As(err, &other) {
		return layout, err
	}
	slices.Sort(other.Sizes)
	switch sizes := slices.Compact(other.Sizes); len(sizes) {
	case 0:
		return nil, err
	case 1:
		return state.FromDWARF(path, name, sizes[0])
	default:
		return nil, fmt.Errorf("%s holds different types %s, of %s bytes: choose one with --size", path, name,
			strings.Trim(strings.Join(strings.Fields(fmt.Sprint(sizes)), ", "), "[]"))
	}
}

// noLayout says why there is none, and what to do, and returns the exit code.
func (t *terminal) noLayout(path string, err error) error {
	code, text := engine.ExitRuntime, err.Error()
	if refusal := (*artifact.Refusal)(nil); errors.As(err, &refusal) {
		code, text = engine.ExitRefused, text+"; "+refusal.Hint
	}
	if errors.Is(err, state.ErrNoDWARF) {
		text = path + ": no debug information: build with -g and do not strip it; a plugin without it may have a table of fields (see logic.h)"
	}
	_, _ = fmt.Fprintf(t.stderr, "hotreload: %s\n", text) // there is nowhere else to complain
	return exit(code)
}

// printLayout writes the table, and what follows from it for the plugin's author.
func (t *terminal) printLayout(layout *state.Layout) error {
	if err := layout.Print(t.stdout); err != nil {
		return err
	}
	if !layout.Pointers {
		return nil
	}
	_, err := io.WriteString(t.stdout, "holds addresses: trials stop after the guard, since a copy means nothing to another process\n")
	return err
}

func toJSON(l *state.Layout) *layoutJSON {
	out := &layoutJSON{Type: l.TypeName, Size: l.Size, Align: l.Align, Pointers: l.Pointers, Fields: []fieldJSON{}}
	for _, f := range l.Fields {
		field := fieldJSON{
			Name: f.Name, Kind: f.Kind.String(), Type: f.Type, Offset: f.Offset, Size: f.Size, Count: f.Count,
			BitOffset: f.BitOffset, BitSize: f.BitSize,
		}
		if f.Element != nil {
			field.Element = toJSON(f.Element)
		}
		out.Fields = append(out.Fields, field)
	}
	return out
}
