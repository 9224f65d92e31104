package control

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"hotreload/engine"
	"hotreload/engine/state"
)

// Fields is the named values of one shard, in the order of their places. In JSON it is an object: numbers, booleans and
// strings; arrays of them; arrays of objects for arrays of structs; opaque bytes in hexadecimal. What JSON has no number
// for is "NaN", "+Inf" or "-Inf", and a field beyond the end of the state is null.
type Fields []state.Value

// MarshalJSON implements json.Marshaler.
func (f Fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(v.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(plain(v.Value))
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", v.Name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON implements json.Unmarshaler: values come back as JSON knows them, numbers as json.Number.
func (f *Fields) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('{') {
		return fmt.Errorf("fields: expected an object, got %v", open)
	}
	*f = nil
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return err
		}
		*f = append(*f, state.Value{Name: fmt.Sprint(name), Value: value})
	}
	return nil
}

// plain turns a value into one that JSON has.
func plain(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	case []float64:
		all := make([]any, len(v))
		for i, f := range v {
			all[i] = plain(f)
		}
		return all
	case []byte:
		return hex.EncodeToString(v)
	case [][]state.Value:
		all := make([]Fields, len(v))
		for i, row := range v {
			all[i] = row
		}
		return all
	}
	return v
}

// rawBytes is how many bytes of a state without fields are shown.
const rawBytes = 256

// state answers with a copy of some shards, all at one tick.
func (s *Server) state(w http.ResponseWriter, r *http.Request) {
	q, p := query(r, "shard", "count")
	if p != nil {
		p.write(w)
		return
	}
	first, p := number(q, "shard", 0, 0, math.MaxInt32)
	if p != nil {
		p.write(w)
		return
	}
	count, p := number(q, "count", 1, 1, engine.MaxViewShards)
	if p != nil {
		p.write(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.limits.state)
	defer cancel()
	view, err := s.host.State(ctx, int(first), int(count))
	if err != nil {
		s.late(err).write(w)
		return
	}
	answer(w, newState(view))
}

func newState(view *engine.StateView) State {
	st := State{Generation: view.Generation.Number, Tick: view.Tick, Source: view.Layout.Source.String()}
	for i, shard := range view.Shards {
		st.Size = len(shard)
		one := Shard{Shard: view.First + i, Fields: view.Layout.Values(shard)}
		if len(one.Fields) == 0 {
			one.Hex = hex.EncodeToString(shard[:min(len(shard), rawBytes)])
		}
		st.Shards = append(st.Shards, one)
	}
	return st
}
