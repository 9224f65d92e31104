package engine

import (
	"errors"
	"fmt"
	"strings"

	"hotreload/engine/abi"
	"hotreload/engine/state"

	"go.uber.org/zap/zapcore"
)

// LayoutError is a refusal by the guard: the candidate sees another state than the one that is there, and the state does
// not migrate.
type LayoutError struct {
	Size        *abi.Mismatch      // nil when the sizes are equal
	Differences []state.Difference // the size among them
	Obstacle    error              // why the state was not converted though it should have been: *state.ConversionError or another; nil
	Remedy      string             // how to go on
}

// Error implements error: one line, without the table of the differences.
func (e *LayoutError) Error() string {
	switch {
	case e.Obstacle != nil:
		return fmt.Sprintf("state layout: %v (%s)", e.Obstacle, e.Remedy)
	case e.Size != nil:
		return e.Size.Error()
	}
	var b strings.Builder
	b.WriteString("state layout: ")
	for i, d := range e.Differences {
		if i == 3 {
			fmt.Fprintf(&b, " and %d more", len(e.Differences)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "field %s: expected %s, got %s", d.Name, d.Running, d.Candidate)
	}
	fmt.Fprintf(&b, " (%s)", e.Remedy)
	return b.String()
}

// Unwrap returns the mismatch of the sizes, and the obstacle.
func (e *LayoutError) Unwrap() (errs []error) {
	if e.Size != nil {
		errs = append(errs, e.Size)
	}
	if e.Obstacle != nil {
		errs = append(errs, e.Obstacle)
	}
	return errs
}

// Table returns the differences as aligned lines, a heading first; "" when the error's text says as much.
func (e *LayoutError) Table() string {
	if len(e.Differences) == 1 && e.Size != nil {
		return "" // nothing but the sizes
	}
	var b strings.Builder
	_ = state.PrintDiff(&b, e.Differences, e.reasons()) // a Builder never fails
	return strings.TrimSuffix(b.String(), "\n")
}

// reasons returns by field name what stands in the way of a conversion.
func (e *LayoutError) reasons() map[string]string {
	if refused := (*state.ConversionError)(nil); errors.As(e.Obstacle, &refused) {
		return refused.Reasons()
	}
	return nil
}

// MarshalLogArray implements zapcore.ArrayMarshaler: an object for each difference, with the reason against its
// conversion where there is one.
func (e *LayoutError) MarshalLogArray(enc zapcore.ArrayEncoder) error {
	reasons := e.reasons()
	for _, d := range e.Differences {
		err := enc.AppendObject(zapcore.ObjectMarshalerFunc(func(enc zapcore.ObjectEncoder) error {
			enc.AddString("field", d.Name)
			enc.AddString("change", d.Change.String())
			enc.AddString("running", d.Running)
			enc.AddString("candidate", d.Candidate)
			if reason := reasons[d.Name]; reason != "" {
				enc.AddString("reason", reason)
			}
			return nil
		}))
		if err != nil {
			return err
		}
	}
	return nil
}
