package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// lull is how long the replacement of a spare waits, so that it does not compete for processors with the swap that
// follows a good trial.
const lull = 50 * time.Millisecond

// Runner tries candidates. It keeps one child process in reserve. Its methods are safe for concurrent use.
type Runner struct {
	config  Config
	spare   chan *child // capacity 1
	ctx     context.Context
	cancel  context.CancelFunc
	mu      sync.Mutex // guards what follows, and that no task starts after Close
	closed  bool
	filling bool
	tasks   errgroup.Group
}

// New returns a Runner and begins to start its spare child, unless the mode is Off. The error is about the Config. The
// caller must Close it.
func New(config Config) (*Runner, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	r := &Runner{config: config, spare: make(chan *child, 1)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if config.Mode != Off {
		r.refill(0)
	}
	return r, nil
}

// Try tries a candidate and returns within the time limit (plus, without a spare, what a new process takes to start).
// The error is an *abi.Mismatch when the guard refuses the candidate, a *Verdict when it fails in another way, an
// *UnavailableError when no trial could be made, or the cause of ctx. With the mode Off it does nothing.
func (r *Runner) Try(ctx context.Context, candidate Candidate) (Report, error) {
	if r.config.Mode == Off {
		return Report{}, nil
	}
	request, file, err := r.prepare(&candidate)
	if err != nil {
		return Report{}, err
	}
	if file != nil {
		defer func() { _ = file.Close() }()
	}
	began := time.Now()
	c, warm, err := r.take(ctx, request, file)
	if err != nil {
		return Report{}, err
	}
	end, err := c.await(ctx, r.config.Timeout)
	took := time.Since(began)
	r.refill(lull)
	if err != nil {
		c.finish()
		return Report{}, err
	}
	report, err := r.judge(c, end, &candidate)
	report.Took, report.Warm = took, warm
	return report, err
}

// take returns a child that has received the request: the spare, or else a new one.
func (r *Runner) take(ctx context.Context, request []byte, file *os.File) (c *child, warm bool, err error) {
	select {
	case c = <-r.spare:
		if c.send(request, file) == nil {
			return c, true, nil
		}
		r.dismiss(c) // it has died of old age or somebody's hand
	default:
	}
	if r.ctx.Err() != nil {
		return nil, false, &UnavailableError{"start", errors.New("the runner is closed")}
	}
	if c, err = start(); err != nil {
		return nil, false, &UnavailableError{"start", err}
	}
	if err = c.ready(ctx); err == nil {
		err = c.send(request, file)
	}
	if err != nil {
		_, output := c.finish()
		if cause := context.Cause(ctx); cause != nil {
			return nil, false, cause
		}
		if line := lastLine(output); line != "" {
			err = fmt.Errorf("%w; it printed %q", err, line)
		}
		return nil, false, &UnavailableError{"start", err}
	}
	return c, false, nil
}

// refill starts a new spare after a pause, unless there is one or one is on its way.
func (r *Runner) refill(pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.filling || len(r.spare) > 0 {
		return
	}
	r.filling = true
	r.tasks.Go(func() error {
		c, err := r.prepareSpare(pause)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.filling = false
		switch {
		case err == nil:
			r.spare <- c // there is room: nobody else fills
		case r.ctx.Err() == nil:
			r.config.Logger.Warn("no spare child process for trials", zap.Error(err))
		}
		return nil
	})
}

func (r *Runner) prepareSpare(pause time.Duration) (*child, error) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
	c, err := start()
	if err != nil {
		return nil, err
	}
	if err := c.ready(r.ctx); err != nil {
		c.finish()
		return nil, err
	}
	return c, nil
}

// dismiss ends a child in the background, or here when the runner is closed.
func (r *Runner) dismiss(c *child) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		c.finish()
		return
	}
	r.tasks.Go(func() error {
		c.finish()
		return nil
	})
}

// Close ends the spare child and waits until all children are gone. Trials under way end as they will; nobody should
// start another.
func (r *Runner) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	_ = r.tasks.Wait() // its tasks return no errors
	select {
	case c := <-r.spare:
		c.finish()
	default:
	}
}

// prepare turns a candidate into a request and the file to go with it, which is nil when there is nothing to copy.
func (r *Runner) prepare(candidate *Candidate) ([]byte, *os.File, error) {
	if candidate.Name == "" {
		candidate.Name = filepath.Base(candidate.Path)
	}
	q := request{
		path: candidate.Path, expect: candidate.Expect, loadOnly: r.config.Mode == Load, ticks: r.config.Ticks,
		dt: candidate.DT, processor: processorSeconds(r.config.Timeout),
	}
	q.seeds = make([]uint64, tried(candidate.Shards, 1))
	for i := range q.seeds {
		if candidate.Seed != nil {
			q.seeds[i] = candidate.Seed(i)
		}
	}
	file, err := q.picture(candidate.Live)
	if err != nil {
		return nil, nil, &UnavailableError{"copy the state", err}
	}
	message := q.encode()
	if _, err := decodeRequest(message); err != nil {
		if file != nil {
			_ = file.Close()
		}
		return nil, nil, &UnavailableError{"ask for it", err}
	}
	return message, file, nil
}
