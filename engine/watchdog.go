package engine

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// cancelTries bounds how often the watchdog asks a crossing to end: a tick asleep in libc is never in its own text.
const cancelTries = 200

// timingAge bounds, together with the length of a tick, how old a Timing is.
const timingAge = time.Second

// watched is what the watchdog knows of one hand's crossing.
type watched struct {
	crossing uint64
	since    time.Time     // when it was first seen
	cpu      time.Duration // of the thread, then
	reported bool
	tries    int
}

// watchdog reports calls of plugin code that take longer than Config.TickDeadline, and ends those that have used more
// than Config.TickKill of their thread's processor time: a stop in a debugger or a sleep uses none. It samples, so the
// workers do not read a clock for it. It also keeps the host's signal handlers in place.
func (p *pipeline) watchdog(ctx context.Context) error {
	interval := min(max(min(p.cfg.TickDeadline, p.cfg.TickKill)/8, time.Millisecond), 50*time.Millisecond)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	fresh := time.NewTicker(timingAge)
	defer fresh.Stop()
	seen := make(map[*hand]*watched)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-fresh.C:
			p.lateness.collect()
			continue
		case <-ticker.C:
		}
		p.restoreHandlers(p.engine.Status().Generation.Library) // a tick may have replaced them, too
		hands := p.crew.hands.all()
		alive := make(map[*hand]*watched, len(hands))
		for _, h := range hands {
			crossing, busy := h.thread.Busy()
			w := seen[h]
			switch {
			case !busy:
				continue
			case w == nil || w.crossing != crossing:
				cpu, err := h.thread.CPUTime()
				if err != nil {
					continue // the thread has just ended
				}
				w = &watched{crossing: crossing, since: time.Now(), cpu: cpu}
			default:
				p.overdue(h, w)
			}
			alive[h] = w
		}
		for h, w := range seen {
			if w.reported && (alive[h] == nil || alive[h] != w) {
				p.onTime(h)
			}
		}
		seen = alive
	}
}

// onTime takes back that the worker of h takes too long.
func (p *pipeline) onTime(h *hand) {
	p.engine.mu.Lock()
	defer p.engine.mu.Unlock()
	delete(p.engine.overdue, h.span.Worker)
}

// overdue judges a crossing that has been seen before.
func (p *pipeline) overdue(h *hand, w *watched) {
	if took := time.Since(w.since); took > p.cfg.TickDeadline && !w.reported {
		w.reported = true
		p.reportOverdue(h, w.since)
	}
	cpu, err := h.thread.CPUTime()
	if err != nil || cpu-w.cpu < p.cfg.TickKill || w.tries > cancelTries {
		return
	}
	if w.tries++; w.tries > cancelTries {
		p.log.Named("server").Error("tick cannot be cancelled", zap.Int("worker", h.span.Worker),
			Text("worker %d is stuck in the plugin, outside its own code, and cannot be cancelled", h.span.Worker))
		return
	}
	if err := h.thread.Cancel(w.crossing); err != nil {
		p.log.Named("server").Debug("cancel", zap.Error(err))
	}
}
