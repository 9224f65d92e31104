package watch

import (
	"context"
	"time"
)

// source says where to look. It may say too much, never too little: whether something changed is decided by looking. run
// has a goroutine of its own; the other methods are called by the session's loop only, close after both have ended.
type source interface {
	// run produces signals until the context ends (nil), or the source turns out to be of no use (the reason).
	run(ctx context.Context) error
	signals() <-chan signal
	// locate translates a signal to paths worth a visit; everything means all that is watched.
	locate(signal) (paths []string, everything bool, err error)
	// follow makes sure that whatever changes what path means, at the path itself or anywhere on the way there, is
	// signalled from now on. It is called before each look at a file or root that the user named, and at a link.
	follow(path string) error
	// unfollow takes follow back.
	unfollow(path string)
	// enter makes sure that every change in a directory's entries is signalled from now on.
	enter(dir string) error
	close() error
}

// signal is what a source knows before the loop has asked it to locate.
type signal struct {
	entries     map[string]bool // physical paths with events; true if the entry itself may have been replaced
	everything  bool            // anything may have happened
	sweep       bool            // time to make sure that no event was missed
	first, last time.Time
}

// silent is the source for a single scan.
type silent struct{}

func (silent) run(context.Context) error             { return nil }
func (silent) signals() <-chan signal                { return nil }
func (silent) locate(signal) ([]string, bool, error) { return nil, false, nil }
func (silent) follow(string) error                   { return nil }
func (silent) unfollow(string)                       {}
func (silent) enter(string) error                    { return nil }
func (silent) close() error                          { return nil }

// poll is the source that says "look at everything" once per interval.
type poll struct {
	silent
	interval time.Duration
	out      chan signal
}

func newPoll(interval time.Duration) *poll {
	return &poll{interval: interval, out: make(chan signal)}
}

func (p *poll) signals() <-chan signal { return p.out }

func (p *poll) run(ctx context.Context) error {
	ticker := time.NewTicker(p.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			select {
			case <-ctx.Done():
				return nil
			case p.out <- signal{everything: true, first: now, last: now}:
			}
		}
	}
}

func (p *poll) locate(signal) (paths []string, everything bool, err error) { return nil, true, nil }
