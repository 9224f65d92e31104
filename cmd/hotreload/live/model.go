package live

import (
	"context"
	"time"

	"hotreload/engine/control"

	tea "charm.land/bubbletea/v2"
)

const (
	refresh    = 200 * time.Millisecond // between two pictures
	noticeTime = 8 * time.Second        // how long the answer to a key is shown

)

// model is all that a view knows. It is a value: Update returns the next one.
type model struct {
	ctx  context.Context // ends what the view asks of the host
	host string          // what to call it
	log  *Log            // of the host, in the same process; nil: events stand for it
	own  bool            // the host ends with the view

	width, height int
	now           time.Time

	source    Source // nil: not connected
	lost      error  // why there is no connection, or no answer
	lostSince time.Time
	status    control.Status
	workers   control.Workers
	state     control.State
	stateErr  error
	known     bool // a picture has come

	pictures, states asking // of the host
	shard            int    // that is shown
	change           change
	history          history
	pauses           pauses
	entries          []entry // the end of the log
	renew            bool    // the next event is the first of a connection

	scroll int  // of the fields, in lines
	large  bool // the log has the window
	help   bool
	busy   string // the key's action that is under way; "": none
	notice notice
	left   bool // the user has quit
}

// asking is one kind of question to the host, one at a time.
type asking struct {
	under bool
	next  time.Time // not before
}

// answered allows the next question, after a rest that leaves a host which is slow to answer most of the time to itself.
func (a *asking) answered(now time.Time, took time.Duration) {
	*a = asking{next: now.Add(min(4*took, time.Second))}
}

// notice is what the last key came to.
type notice struct {
	text  string
	bad   bool
	until time.Time
}

// The messages.
type (
	tickMsg      time.Time
	connectedMsg struct{ source Source }
	lostMsg      struct{ err error }
	eventMsg     control.Event
	gapMsg       control.Gap
	pictureMsg   struct {
		source  Source // that was asked
		status  control.Status
		workers control.Workers
		err     error
		took    time.Duration // on the way
	}
	stateMsg struct {
		source Source
		shard  int
		state  control.State
		err    error
	}
	doneMsg struct {
		action string
		text   string
		err    error
	}
)

// Init implements tea.Model.
func (m model) Init() tea.Cmd { return tick() }

func tick() tea.Cmd { return tea.Tick(refresh, func(now time.Time) tea.Msg { return tickMsg(now) }) }

// Update implements tea.Model.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m.press(msg.String())
	case tickMsg:
		m.now = time.Time(msg)
		if m.log != nil {
			m.entries = m.log.all()
		}
		m, ask := m.ask()
		return m, tea.Batch(ask, tick())
	case connectedMsg:
		return m.connected(msg.source)
	case lostMsg:
		m.source, m.pictures, m.states, m.busy = nil, asking{}, asking{}, ""
		m = m.fail(msg.err)
	case eventMsg:
		m = m.renewed()
		m.change.follow(control.Event(msg))
		m.pauses.follow(control.Event(msg))
		if m.log == nil {
			m = m.append(eventEntry(control.Event(msg)))
		}
	case gapMsg:
		m = m.renewed()
		if m.log == nil {
			m = m.append(gapEntry(control.Gap(msg)))
		}
	case pictureMsg:
		m = m.seen(msg)
	case stateMsg:
		m = m.shown(msg)
	case doneMsg:
		m = m.done(msg)
	}
	return m, nil
}

// connected begins with a connection, of which it is not known yet whether somebody answers.
func (m model) connected(source Source) (tea.Model, tea.Cmd) {
	m.source, m.renew, m.stateErr = source, true, nil
	m, ask := m.ask()
	return m, ask
}

// renewed forgets the events before a connection's first: the host sends all that it has kept.
func (m model) renewed() model {
	if !m.renew {
		return m
	}
	m.renew, m.change, m.pauses = false, change{}, nil
	if m.log == nil {
		m.entries = nil
	}
	return m
}

// fail notes that the host cannot be reached.
func (m model) fail(err error) model {
	if m.lost == nil {
		m.lostSince = m.now
	}
	m.lost = err
	return m
}

// seen takes over a picture of the host.
func (m model) seen(msg pictureMsg) model {
	if msg.source != m.source {
		return m // of a connection that is gone
	}
	m.pictures.answered(m.now, msg.took)
	if msg.err != nil {
		return m.fail(msg.err)
	}
	if m.known && msg.status.PID != m.status.PID {
		m.history.forget()
	}
	m.lost, m.known, m.status, m.workers = nil, true, msg.status, msg.workers
	m.shard = min(m.shard, max(m.status.Shards-1, 0))
	m.history.add(m.now, m.status.Swaps, m.workers)
	return m
}

// shown takes over the state of a shard.
func (m model) shown(msg stateMsg) model {
	if msg.source != m.source {
		return m
	}
	m.states = asking{}
	if msg.shard != m.shard {
		return m // another was picked meanwhile
	}
	if m.stateErr = msg.err; msg.err == nil {
		m.state = msg.state
	}
	return m
}

// done shows what an action came to.
func (m model) done(msg doneMsg) model {
	m.busy = ""
	if msg.err != nil {
		return m.say(true, "%s: %s", msg.action, reason(msg.err))
	}
	m.pictures.next = time.Time{}
	return m.say(false, "%s: %s", msg.action, msg.text)
}

func (m model) append(e entry) model {
	m.entries = append(m.entries, e)
	m.entries = m.entries[max(len(m.entries)-keptEntries, 0):]
	return m
}

// ask asks the host for what is shown and not on its way already.
func (m model) ask() (model, tea.Cmd) {
	if m.source == nil || !m.fits() || m.help {
		return m, nil
	}
	var cmds []tea.Cmd
	if !m.pictures.under && !m.now.Before(m.pictures.next) {
		m.pictures.under = true
		cmds = append(cmds, askPicture(m.ctx, m.source))
	}
	if !m.large && m.known && m.status.Generation != nil && !m.states.under && !m.now.Before(m.states.next) {
		m.states.under = true
		cmds = append(cmds, askState(m.ctx, m.source, m.shard))
	}
	return m, tea.Batch(cmds...)
}
