package trial

import (
	"math"
	"reflect"
	"testing"

	"hotreload/engine/abi"
)

var someRequests = []request{
	{path: "/a.so", seeds: []uint64{0}},
	{
		path: "/tmp/a b.so", expect: abi.Expectation{StateSize: 16}, loadOnly: true, ticks: 3, dt: 0.1,
		seeds: []uint64{1, math.MaxUint64}, copies: []uint64{0, 64}, size: 16, unsure: true, migrate: true, revision: -3, processor: 4,
	},
	{path: "/a.so", seeds: []uint64{7}, copies: []uint64{0}, size: abi.MaxStateSize},
}

func TestRequestsSurviveTheWire(t *testing.T) {
	for _, q := range someRequests {
		got, err := decodeRequest(q.encode())
		if err != nil || !reflect.DeepEqual(*got, q) {
			t.Errorf("got %+v, %v, want %+v", got, err, q)
		}
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	for name, q := range map[string]request{
		"relative path":       {path: "a.so", seeds: []uint64{0}},
		"NUL in the path":     {path: "/a\x00.so", seeds: []uint64{0}},
		"no shards":           {path: "/a.so"},
		"too many shards":     {path: "/a.so", seeds: make([]uint64, maxShards+1)},
		"too many ticks":      {path: "/a.so", seeds: []uint64{0}, ticks: maxTicks + 1},
		"copies of nothing":   {path: "/a.so", seeds: []uint64{0}, copies: []uint64{0}},
		"copies too large":    {path: "/a.so", seeds: []uint64{0}, copies: []uint64{0, 64}, size: copyLimit},
		"mapping elsewhere":   {path: "/a.so", seeds: []uint64{0}, copies: []uint64{64}, size: copyLimit + 1},
		"state too large":     {path: "/a.so", seeds: []uint64{0}, copies: []uint64{0}, size: abi.MaxStateSize + 1},
		"offset out of reach": {path: "/a.so", seeds: []uint64{0}, copies: []uint64{math.MaxUint64}, size: 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := decodeRequest(q.encode()); err == nil {
				t.Errorf("accepted as %+v", got)
			}
		})
	}
}

func TestAnswersSurviveTheWire(t *testing.T) {
	for _, a := range []answer{
		{},
		{ticks: 3, shards: 16, fresh: true, warnings: []Warning{{WarnUmask, "changed"}, {WarnThreads, "left"}}},
		{failure: &failure{stage: StageTick, cause: "SIGSEGV", hint: "x", site: &site{inside: true, offset: 12}}},
		{failure: &failure{stage: StageLoad, cause: "undefined symbol"}},
		{mismatch: &abi.Mismatch{Field: "a", Expected: "b", Actual: "c", Hint: "d"}},
	} {
		got, err := decodeAnswer(a.encode())
		if err != nil || !reflect.DeepEqual(*got, a) {
			t.Errorf("got %+v, %v, want %+v", got, err, a)
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, q := range someRequests {
		f.Add(q.encode())
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		q, err := decodeRequest(message)
		if err != nil {
			return
		}
		if again, err := decodeRequest(q.encode()); err != nil || again.path != q.path || !reflect.DeepEqual(again.copies, q.copies) {
			t.Errorf("%+v became %+v, %v", q, again, err)
		}
	})
}

func FuzzDecodeAnswer(f *testing.F) {
	f.Add((&answer{ticks: 3, warnings: []Warning{{WarnUmask, "changed"}}}).encode())
	f.Add((&answer{failure: &failure{stage: StageTick, cause: "SIGSEGV", site: &site{}}}).encode())
	f.Add((&answer{mismatch: &abi.Mismatch{Field: "a"}}).encode())
	f.Fuzz(func(t *testing.T, message []byte) {
		a, err := decodeAnswer(message)
		if err != nil {
			return
		}
		if n := len(a.encode()); n > maxMessage {
			t.Errorf("an answer of %d bytes", n)
		}
	})
}
