package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hotreload/engine"
	"hotreload/engine/state"

	"github.com/rogpeppe/go-internal/testscript"
)

var errExpectUsage = errors.New("usage: expect [shard N|all] FIELD=VALUE... | swap | unchanged | refusal [STAGE] [REGEXP] | fault [REGEXP]")

// expect is the script command that compares what is with what should be.
func (h *scriptHost) expect(_ *testscript.TestScript, neg bool, args []string) error {
	if len(args) == 0 {
		return errExpectUsage
	}
	host, err := h.running()
	if err != nil {
		return err
	}
	switch args[0] {
	case "swap", "unchanged", "refusal":
		if neg {
			return fmt.Errorf("! has no meaning for %s: expect what should happen instead", args[0])
		}
		return expectVerdict(host.Reload(h.ctx), args[0], args[1:])
	case "fault":
		return h.expectFault(neg, args[1:])
	}
	return h.expectState(host, neg, args)
}

// expectVerdict compares the verdict on a change.
func expectVerdict(verdict error, want string, args []string) error {
	var refusal *engine.StageError
	got := "a swap"
	switch {
	case errors.Is(verdict, engine.ErrUnchanged):
		got = "unchanged: the build left the library that runs already"
	case errors.As(verdict, &refusal):
		got = "a refusal, " + refusal.Error()
	case verdict != nil:
		return verdict
	}
	stage, pattern := "", ".?"
	if len(args) > 0 && want == "refusal" && isStage(args[0]) {
		stage, args = args[0], args[1:]
	}
	if len(args) > 0 && want == "refusal" {
		pattern, args = args[0], args[1:]
	}
	if len(args) > 0 {
		return errExpectUsage
	}
	message, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	switch {
	case want == "swap" && verdict == nil, want == "unchanged" && errors.Is(verdict, engine.ErrUnchanged):
		return nil
	case want != "refusal" || refusal == nil:
		return fmt.Errorf("expected %s, got %s", want, got)
	case stage != "" && string(refusal.Stage) != stage:
		return fmt.Errorf("expected a refusal by %s, got %s", stage, got)
	case !message.MatchString(refusal.Error()):
		return fmt.Errorf("expected a refusal that matches %q, got %s", pattern, got)
	}
	return nil
}

func isStage(name string) bool {
	return slices.Contains([]engine.Stage{
		engine.StageBuild, engine.StageInspect, engine.StageTrial, engine.StageLoad, engine.StageGuard, engine.StageRun,
	}, engine.Stage(name))
}

// expectFault takes the oldest fault that was not expected yet.
func (h *scriptHost) expectFault(neg bool, args []string) error {
	if len(args) > 1 {
		return errExpectUsage
	}
	if len(h.faults) == 0 {
		if neg {
			return nil
		}
		return errors.New("expected a fault, got none")
	}
	fault := h.faults[0]
	if neg {
		return fmt.Errorf("expected no fault, got %w", fault)
	}
	message, err := regexp.Compile(strings.Join(args, ""))
	if err != nil {
		return err
	}
	if !message.MatchString(fault.Error()) {
		return fmt.Errorf("expected a fault that matches %q, got %w", args[0], fault)
	}
	h.faults = h.faults[1:]
	return nil
}

// expectState compares fields of one shard or of all.
func (h *scriptHost) expectState(host *engine.Engine, neg bool, args []string) error {
	first, count, args, err := whichShards(host, args)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return errExpectUsage
	}
	return h.look(host, first, count, func(view *engine.StateView, shard int, bytes []byte) error {
		for _, condition := range args {
			shown, holds, err := evaluate(view.Layout, bytes, condition)
			if err != nil {
				return err
			}
			if holds == neg {
				not := ""
				if neg {
					not = "not "
				}
				return fmt.Errorf("expected %s%s, got %s in shard %d after %d ticks", not, condition, shown, shard, view.Tick)
			}
		}
		return nil
	})
}

// whichShards takes `all` or `shard N` from the arguments; without them it is shard 0.
func whichShards(host *engine.Engine, args []string) (first, count int, rest []string, err error) {
	switch {
	case len(args) > 0 && args[0] == "all":
		return 0, host.Status().Shards, args[1:], nil
	case len(args) > 1 && args[0] == "shard":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return 0, 0, nil, fmt.Errorf("expected the number of a shard, got %q", args[1])
		}
		return n, 1, args[2:], nil
	}
	return 0, 1, args, nil
}

// look shows count shards, from first on, to see.
func (h *scriptHost) look(host *engine.Engine, first, count int, see func(view *engine.StateView, shard int, bytes []byte) error) error {
	for end := first + count; first < end; {
		view, err := host.State(h.ctx, first, min(end-first, engine.MaxViewShards))
		if err != nil {
			return err
		}
		for i, bytes := range view.Shards {
			if err := see(view, first+i, bytes); err != nil {
				return err
			}
		}
		first += len(view.Shards)
	}
	return nil
}

// state is the script command that prints the state of a shard, or of all.
func (h *scriptHost) state(ts *testscript.TestScript, neg bool, args []string) error {
	host, err := h.running()
	if err != nil {
		return err
	}
	first, count, rest, err := whichShards(host, args)
	if err != nil {
		return err
	}
	if neg || len(rest) > 0 {
		return errors.New("usage: state [shard N|all]")
	}
	return h.look(host, first, count, func(view *engine.StateView, _ int, bytes []byte) error {
		fields, err := view.Layout.Select([]string{state.SelectAll})
		if err == nil {
			_, err = fmt.Fprintln(ts.Stdout(), state.Line(fields, bytes))
		}
		return err
	})
}

// comparison is FIELD OPERATOR VALUE.
var comparison = regexp.MustCompile(`^([^=!<>]+)(==|!=|<=|>=|=|<|>)(.*)$`)

// evaluate tells whether a condition holds in a shard, and how the shard shows the field.
func evaluate(layout *state.Layout, shard []byte, condition string) (shown string, holds bool, err error) {
	parts := comparison.FindStringSubmatch(condition)
	if parts == nil {
		return "", false, fmt.Errorf("expected FIELD=VALUE, also with != < <= > >= or ==, got %q", condition)
	}
	fields, err := layout.Select([]string{parts[1]})
	if err != nil {
		return "", false, err
	}
	shown = state.Line(fields, shard)
	operator, want := parts[2], parts[3]
	if len(fields) > 1 {
		return shown, false, fmt.Errorf("%s is several fields: name one of %s", parts[1], shown)
	}
	if v, float := fields[0].Value(shard).(float64); float && operator == "==" {
		shown = fields[0].Name + "=" + strconv.FormatFloat(v, 'g', -1, 64)
	}
	order, err := compare(fields[0].Value(shard), strings.TrimPrefix(shown, fields[0].Name+"="), operator, want)
	if err != nil {
		return shown, false, fmt.Errorf("%s: %w", condition, err)
	}
	switch operator {
	case "=", "==":
		return shown, order == 0, nil
	case "!=":
		return shown, order != 0, nil
	case "<":
		return shown, order < 0, nil
	case "<=":
		return shown, order <= 0, nil
	case ">":
		return shown, order == 1, nil
	}
	return shown, order == 0 || order == 1, nil
}

// unordered is the result of a comparison of which only equality has a meaning.
const unordered = 2

// compare orders value, which is shown in that way, and want: -1, 0 or 1, or unordered.
func compare(value any, shown, operator, want string) (order int, err error) {
	var number float64
	switch v := value.(type) {
	case int64:
		if n, err := strconv.ParseInt(want, 0, 64); err == nil {
			return cmp.Compare(v, n), nil
		}
		number = float64(v)
	case uint64:
		if n, err := strconv.ParseUint(want, 0, 64); err == nil {
			return cmp.Compare(v, n), nil
		}
		number = float64(v)
	case float64:
		number = v
	default:
		if strings.ContainsAny(operator, "<>") {
			return 0, errors.New("only numbers have an order")
		}
		if text, isText := value.(string); shown == want || isText && text == want {
			return 0, nil
		}
		return unordered, nil
	}
	n, err := strconv.ParseFloat(want, 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("expected a number, got %q", want)
	case math.IsNaN(number) != math.IsNaN(n):
		return unordered, nil
	case operator != "==" && sixDigits(number) == sixDigits(n):
		return 0, nil
	}
	return cmp.Compare(number, n), nil
}

// sixDigits shows a number as the [state] line does.
func sixDigits(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
