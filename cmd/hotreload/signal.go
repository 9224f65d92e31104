package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"hotreload/engine"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// sameSignal is how close two signals come that are one: timeout(1) and process supervisors signal a process and then its
// group, so that it gets the same one twice.
const sameSignal = 100 * time.Millisecond

// withSignals returns a context that the first SIGINT or SIGTERM cancels. A second one calls now, which is expected to
// end the process. The caller must call stop, which waits for the goroutine that listens.
func withSignals(parent context.Context, log *zap.Logger, now func(os.Signal)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	stopped := make(chan struct{})
	var listener errgroup.Group
	listener.Go(func() error {
		var first os.Signal
		var since time.Time
		for {
			select {
			case s := <-signals:
				switch {
				case first == nil:
					first, since = s, time.Now()
				case s == first && time.Since(since) < sameSignal:
					continue
				default:
					now(s)
					return nil
				}
				log.Named("server").Debug("stopping", zap.Stringer("signal", s),
					engine.Text("stopping after this tick; a second signal ends at once"))
				cancel()
			case <-stopped:
				return nil
			}
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(stopped)
		_ = listener.Wait() // it returns no error
		cancel()
	}
}

// interruptSelf does what Ctrl-C on a terminal does.
func interruptSelf() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGINT) // a process may always signal itself
}

// signalCode is the exit code of a process that a signal ended, as a shell reports it: 130 for SIGINT, 143 for SIGTERM.
func signalCode(s os.Signal) int {
	if number, ok := s.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return 128
}
