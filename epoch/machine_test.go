package epoch_test

import (
	"testing"

	"hotreload/epoch"

	"pgregory.net/rapid"
)

// machine drives a domain from one goroutine and compares it with a model that keeps the whole history: what was
// published when, who ran what in which tick, and who was ever given what.
type machine struct {
	mode    epoch.Mode
	domain  *epoch.Domain[int]
	gens    []*epoch.Generation[int] // by epoch-1
	members []*member
	left    uint64         // the lowest tick not run, or begun, by anyone who left
	ran     map[uint64]int // aligned mode: tick to epoch
	graces  []*retired
}

// member is the model of a participant.
type member struct {
	p      *epoch.Participant[int]
	tick   uint64
	parked bool
	held   int          // epoch, 0 before the first Begin
	joined uint64       // the tick it joined at
	looked bool         // some of it by Look
	uses   map[int]bool // what it was given since the last End, Park or Close
}

// retired is the model of a grace period: what each member must do before it ends.
type retired struct {
	grace   *epoch.Grace[int]
	epoch   int
	ticks   uint64
	over    bool
	looked  bool               // aligned mode: before the successor's first tick somebody has met something by Look
	waitFor map[*member]uint64 // immediate mode: the tick to reach
	parking map[*member]bool   // being parked will do as well
}

func (m *member) free() uint64 {
	if m.parked {
		return m.tick
	}
	return m.tick + 1
}

func (m *member) letGo() {
	clear(m.uses)
	m.looked = false
}

func (m *machine) Init(t *rapid.T) {
	m.mode = rapid.SampledFrom([]epoch.Mode{epoch.Aligned, epoch.Immediate}).Draw(t, "mode")
	m.domain = epoch.New(m.mode, 1)
	m.gens = []*epoch.Generation[int]{m.domain.Current()}
	m.ran = make(map[uint64]int)
}

func (m *machine) pick(t *rapid.T) *member {
	if len(m.members) == 0 {
		t.Skip("nobody")
	}
	return rapid.SampledFrom(m.members).Draw(t, "member")
}

// Join joins at any tick, also at one that may be refused.
func (m *machine) Join(t *rapid.T) {
	tick := rapid.Uint64Range(0, 12).Draw(t, "tick")
	p, err := join(m.domain, len(m.members), tick)
	if err != nil {
		for _, r := range m.graces {
			if r.over && m.mode == epoch.Aligned && tick < m.gens[r.epoch].Activation() {
				return // what it would run is reclaimed
			}
		}
		for _, g := range m.gens[1:] { // or left behind by all
			if tick < g.Activation() && m.metByAll(int(g.Epoch())) {
				return
			}
		}
		t.Fatalf("Join at %d refused: %v", tick, err)
	}
	m.members = append(m.members, &member{p: p, tick: tick, joined: tick, parked: true, uses: make(map[int]bool)})
}

func (m *machine) metByAll(e int) bool {
	for _, q := range m.members {
		if q.held != 0 && q.held < e || q.held == 0 && q.joined < m.gens[e-1].Activation() {
			return false
		}
	}
	return true
}

// active is the newest epoch that tick runs.
func (m *machine) active(tick uint64) int {
	newest := 1
	for _, g := range m.gens {
		if g.Activation() <= tick {
			newest = int(g.Epoch())
		}
	}
	return newest
}

// given checks one generation that Begin or Look returned.
func (m *machine) given(t *rapid.T, q *member, g *epoch.Generation[int]) (again bool) {
	e, want := int(g.Epoch()), m.active(q.tick)
	if q.held != 0 {
		want = min(want, q.held+1)
	}
	if e != want || g.Value != e {
		t.Fatalf("tick %d was given epoch %d with value %d after %d, want %d", q.tick, e, g.Value, q.held, want)
	}
	again = e != q.held
	q.held = e
	return again
}

// alive checks that e is not reclaimed.
func (m *machine) alive(t *rapid.T, e int) {
	for _, r := range m.graces {
		if r.epoch == e && r.over {
			t.Fatalf("epoch %d was returned after its grace period", e)
		}
	}
}

func (m *machine) Tick(t *rapid.T) {
	q := m.pick(t)
	q.parked = false
	for again := true; again; {
		again = m.given(t, q, q.p.Begin())
		m.alive(t, q.held)
		q.uses[q.held] = true
	}
	if m.mode == epoch.Aligned {
		if e, ok := m.ran[q.tick]; ok && e != q.held {
			t.Fatalf("tick %d ran on epoch %d and on %d", q.tick, e, q.held)
		}
	}
	switch rapid.SampledFrom([]string{"run", "run", "run, EndPark", "stay", "stay", "Park"}).Draw(t, "then") {
	case "run":
		m.ran[q.tick] = q.held
		q.p.End()
		q.tick++
		q.letGo()
	case "run, EndPark":
		m.ran[q.tick] = q.held
		q.p.EndPark()
		q.tick++
		q.parked = true
		q.letGo()
	case "Park":
		q.p.Park()
		q.parked = true
		q.letGo()
	}
	m.note()
}

func (m *machine) Look(t *rapid.T) {
	q := m.pick(t)
	if !q.parked {
		q.p.Park()
		q.parked = true
		q.letGo()
	}
	m.note()
	for again := true; again; {
		if again = m.given(t, q, q.p.Look()); again {
			m.alive(t, q.held)
			q.uses[q.held], q.looked = true, true
		}
	}
}

func (m *machine) Leave(t *rapid.T) {
	q := m.pick(t)
	q.p.Close()
	m.left = max(m.left, q.free())
	if !q.parked && m.mode == epoch.Aligned {
		m.ran[q.tick] = m.active(q.tick) // whatever comes later must not run it
	}
	for i := range m.members {
		if m.members[i] == q {
			m.members = append(m.members[:i], m.members[i+1:]...)
			break
		}
	}
	m.note()
}

func (m *machine) Publish(t *rapid.T) {
	last := m.gens[len(m.gens)-1]
	want := uint64(0)
	if m.mode == epoch.Aligned {
		want = max(last.Activation(), m.left)
		for _, q := range m.members {
			want = max(want, q.free())
		}
	}
	g := m.domain.Publish(len(m.gens) + 1)
	if g.Activation() != want || g != m.domain.Current() || int(g.Epoch()) != len(m.gens)+1 {
		t.Fatalf("epoch %d active from %d, want %d from %d", g.Epoch(), g.Activation(), len(m.gens)+1, want)
	}
	m.gens = append(m.gens, g)
}

func (m *machine) Retire(t *rapid.T) {
	if len(m.gens) == 1 {
		t.Skip("nothing is superseded")
	}
	r := &retired{
		epoch: rapid.IntRange(1, len(m.gens)-1).Draw(t, "epoch"), ticks: rapid.Uint64Range(0, 2).Draw(t, "ticks"),
		waitFor: make(map[*member]uint64), parking: make(map[*member]bool),
	}
	r.grace = m.domain.Retire(m.gens[r.epoch-1], r.ticks)
	for _, q := range m.members {
		ticks := r.ticks
		if q.held != 0 && q.held < r.epoch || q.parked && len(q.uses) > 0 {
			ticks = max(ticks, 1)
		}
		if q.looked && q.tick == m.gens[r.epoch].Activation() {
			r.looked = true
		}
		r.waitFor[q], r.parking[q] = q.free()+ticks, ticks == 0
	}
	m.graces = append(m.graces, r)
	m.note()
}

// note takes note of who was parked while a grace period went on.
func (m *machine) note() {
	for _, r := range m.graces {
		for q := range r.parking {
			if q.parked && r.parking[q] {
				r.grace.Behind() // looks, so that it is seen
				r.waitFor[q] = 0
			}
		}
	}
}

// Check compares the verdict on every grace period, and with it the promise that nothing in use is reclaimed.
func (m *machine) Check(t *rapid.T) {
	for _, r := range m.graces {
		over, behind := true, 0
		for _, q := range m.members {
			target := r.waitFor[q]
			if m.mode == epoch.Aligned {
				old, next := m.gens[r.epoch-1].Activation(), m.gens[r.epoch].Activation()
				if target = next + r.ticks; target == old || target == next && r.looked {
					target++
				}
			}
			if q.tick < target {
				over = false
				behind++
			}
		}
		if r.over {
			over, behind = true, 0
		}
		if got := len(r.grace.Behind()); got != behind {
			t.Fatalf("epoch %d, %d ticks: %d are behind, want %d", r.epoch, r.ticks, got, behind)
		}
		if got := r.grace.Passed(); got != over {
			t.Fatalf("epoch %d, %d ticks: over: %v, want %v", r.epoch, r.ticks, got, over)
		}
		r.over = over
		for _, q := range m.members {
			if r.over && q.uses[r.epoch] {
				t.Fatalf("epoch %d is over while tick %d uses it", r.epoch, q.tick)
			}
		}
	}
	st := m.domain.Stats()
	if st.Participants != len(m.members) || int(st.Epoch) != len(m.gens) {
		t.Fatalf("%+v, want %d participants and epoch %d", st, len(m.members), len(m.gens))
	}
}

func TestDomainBehavesAsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := new(machine)
		m.Init(t)
		t.Repeat(map[string]func(*rapid.T){
			"Join": m.Join, "Tick": m.Tick, "Look": m.Look, "Leave": m.Leave,
			"Publish": m.Publish, "Retire": m.Retire, "": m.Check,
		})
	})
}
