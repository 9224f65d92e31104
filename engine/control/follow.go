package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Follow calls happened for each event that is kept and then for each that comes, until the host ends (nil), ctx does,
// or happened returns an error. missed is called for a gap. It connects again when the connection breaks, and goes on
// behind the last event.
func (c *Client) Follow(ctx context.Context, happened func(Event) error, missed func(Gap) error) error {
	f := follower{happened: happened, missed: missed}
	for {
		before := f.last
		err := c.follow(ctx, &f)
		var refused *Problem
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case f.failed != nil:
			return f.failed
		case errors.As(err, &refused), f.ended, f.last == before:
			return err
		}
	}
}

// follower is the state of Follow across connections.
type follower struct {
	happened func(Event) error
	missed   func(Gap) error
	last     string // id of the last event
	ended    bool   // the host has said that it ends
	failed   error  // by a callback
}

func (c *Client) follow(ctx context.Context, f *follower) error {
	r, err := c.request(ctx, http.MethodGet, "/v1/events", nil, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", mediaTypeStream)
	if f.last != "" {
		r.Header.Set("Last-Event-ID", f.last)
	}
	answer, err := c.do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	return f.read(answer.Body)
}

// read takes events off a stream until it ends.
func (f *follower) read(body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxAnswer)
	var id, kind, data string
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			data = value
		case "":
			if lines.Text() != "" || data == "" { // a comment, or an empty event
				continue
			}
			if err := f.take(kind, data); err != nil || f.ended {
				return err
			}
			if id != "" {
				f.last = id
			}
			id, kind, data = "", "", ""
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	return nil
}

func (f *follower) take(kind, data string) error {
	if kind == KindGap {
		var gap Gap
		if err := json.Unmarshal([]byte(data), &gap); err != nil {
			return fmt.Errorf("events: gap: %w", err)
		}
		f.failed = f.missed(gap)
		return f.failed
	}
	var ev Event
	if err := json.Unmarshal([]byte(data), &ev); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	f.ended = ev.Kind == "ended"
	f.failed = f.happened(ev)
	return f.failed
}
