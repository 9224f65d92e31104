package live

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// binding is what some keys do.
type binding struct {
	keys  []string // as bubbletea names them
	show  string   // as people do
	brief string   // in the last line; "": not there
	long  string   // in the help
	do    func(model) (model, tea.Cmd)
}

// bindings is a function because what keys do depends on the layout, which shows the keys.
func bindings() []binding {
	return []binding{
		{[]string{"r"}, "r", "reload", "build now and swap in what has changed", func(m model) (model, tea.Cmd) { return m.begin(reload) }},
		{[]string{"b"}, "b", "rollback", "go back to the library before", func(m model) (model, tea.Cmd) { return m.begin(rollback) }},
		{[]string{"p"}, "p", "pause", "pause the simulation, or let it run on", func(m model) (model, tea.Cmd) {
			if m.status.Paused {
				return m.begin(resume)
			}
			return m.begin(pause)
		}},
		{[]string{"left", "["}, "← [", "", "show the shard before", func(m model) (model, tea.Cmd) { return m.pick(m.shard - 1) }},
		{[]string{"right", "]"}, "→ ]", "", "show the next shard", func(m model) (model, tea.Cmd) { return m.pick(m.shard + 1) }},
		{[]string{"home"}, "home", "", "show the first shard", func(m model) (model, tea.Cmd) { return m.pick(0) }},
		{[]string{"end"}, "end", "", "show the last shard", func(m model) (model, tea.Cmd) { return m.pick(m.status.Shards - 1) }},
		{[]string{"up", "k"}, "↑ k", "", "scroll the fields up", func(m model) (model, tea.Cmd) { return m.move(-1), nil }},
		{[]string{"down", "j"}, "↓ j", "", "scroll the fields down", func(m model) (model, tea.Cmd) { return m.move(1), nil }},
		{[]string{"l"}, "l", "log", "the log alone, or everything", func(m model) (model, tea.Cmd) { m.large = !m.large; return m, nil }},
		{[]string{"?", "esc"}, "?", "help", "this, or back", func(m model) (model, tea.Cmd) { m.help = !m.help; return m, nil }},
		{[]string{"q", "ctrl+c"}, "q", "quit", "leave the view", func(m model) (model, tea.Cmd) { m.left = true; return m, tea.Quit }},
	}
}

// press does what a key is bound to.
func (m model) press(key string) (tea.Model, tea.Cmd) {
	m.notice = notice{}
	if key == "esc" && !m.help {
		return m, nil
	}
	for _, b := range bindings() {
		for _, k := range b.keys {
			if k == key {
				return b.do(m)
			}
		}
	}
	return m, nil
}

// begin has the host do something, one thing at a time.
func (m model) begin(a action) (model, tea.Cmd) {
	switch {
	case m.source == nil:
		return m.say(true, "%s: there is no connection", a.name), nil
	case m.busy != "":
		return m.say(true, "%s: wait for the %s", a.name, m.busy), nil
	}
	m.busy = a.name
	return m, a.command(m.ctx, m.source)
}

// pick shows another shard, the last one being followed by the first.
func (m model) pick(shard int) (model, tea.Cmd) {
	n := m.status.Shards
	if n == 0 {
		return m, nil
	}
	m.shard = (shard + n) % n
	return m.ask()
}

// move scrolls the fields.
func (m model) move(lines int) model {
	m.scroll = min(max(m.scroll+lines, 0), m.lastScroll())
	return m
}

// say shows what a key came to.
func (m model) say(bad bool, format string, args ...any) model {
	m.notice = notice{fmt.Sprintf(format, args...), bad, m.now.Add(noticeTime)}
	return m
}
