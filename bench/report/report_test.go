package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"hotreload/bench"
	"hotreload/bench/internal/stat"
	"hotreload/bench/internal/strategy"
	"hotreload/bench/pause"
)

func sample() *bench.Report {
	cell := func(name string, rate float64, worst ...float64) pause.Result {
		return pause.Result{
			Cell:    pause.Cell{Strategy: name, Workers: 1, Shards: 10, Period: time.Millisecond, Rate: rate},
			Windows: worst, Worst: stat.Of(worst),
		}
	}
	return &bench.Report{
		Machine: bench.Machine{Processor: "a <processor> & more", Kernel: "Linux"},
		Pause: []pause.Result{
			cell(strategy.Aligned, pause.Control, 20, 30, 40),
			cell(strategy.Aligned, pause.UsualRate, 21, 31, 41),
			cell(strategy.StopWorld, pause.UsualRate, 200, 300, 4000),
			cell(strategy.StopWorld, pause.Fast, 1),
			cell(strategy.StopWorld, pause.UsualRate), // no window: left out
		},
	}
}

func TestSVGIsWellFormedAndShowsEachStrategyOnce(t *testing.T) {
	var b bytes.Buffer
	if err := SVG(&b, sample(), 1); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, &b)
		}
	}
	for _, want := range []string{">no swap<", ">aligned<", ">stop the world<", "a &lt;processor&gt; &amp; more"} {
		if n := strings.Count(b.String(), want); n != 1 {
			t.Errorf("%d times %q, expected once, in\n%s", n, want, &b)
		}
	}
}

func TestSVGRefusesWhatItCannotCompare(t *testing.T) {
	if err := SVG(io.Discard, sample(), 2); err == nil {
		t.Error("expected an error for a number of workers that was not measured")
	}
}

func TestHTMLLoadsNothing(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, sample()); err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?i)(src|href)\s*=|@import|url\(`).FindString(b.String()); found != "" {
		t.Errorf("%q in the page", found)
	}
	for _, want := range []string{"1 worker, 10 shards, ticks every 1ms", `"names":["no swap","aligned","stop the world"]`, "a &lt;processor&gt; &amp; more"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

func TestChartsHaveOneValueOfEachSeriesForEachShare(t *testing.T) {
	for _, c := range charts(sample()) {
		if len(c.Values) != len(c.Names)+1 {
			t.Errorf("%s: %d names, %d series", c.Title, len(c.Names), len(c.Values)-1)
		}
		for i, v := range c.Values {
			if len(v) != 101 {
				t.Errorf("%s: %d values in series %d, expected 101", c.Title, len(v), i)
			}
		}
		if first, last := *c.Values[3][0], *c.Values[3][100]; first != 200 || last != 4000 {
			t.Errorf("%s: from %v to %v, expected 200 to 4000", c.Title, first, last)
		}
	}
}
