package control

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// limits bound what a client can make the host hold on to.
type limits struct {
	header      time.Duration // for a request's headers, and for a TLS handshake
	idle        time.Duration // between two requests
	stall       time.Duration // for each piece of a body, and each write
	heartbeat   time.Duration // between two signs of life in a stream
	state       time.Duration // for a picture of the state
	end         time.Duration // for requests under way when the server ends
	connections int           // through each listener
	streams     int           // of events, at once
	uploads     int           // at once
	snapshots   int           // in the host's memory at once
	events      int           // that are kept
}

var usualLimits = limits{
	header: 5 * time.Second, idle: time.Minute, stall: 30 * time.Second, heartbeat: 15 * time.Second, state: 10 * time.Second,
	end: 2 * time.Second, connections: 4096, streams: 2048, uploads: 4, snapshots: 2, events: 1024,
}

const (
	defaultMaxPush = 256 << 20
	maxHeader      = 16 << 10
)

// slots counts what may happen so many times at once.
type slots chan struct{}

func (s slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) free() { <-s }

// timed is an answer of which each piece must be taken in time: a client that does not read is let go.
type timed struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
}

// extend gives the client time for the next piece. Where it fails the connection is gone, and so will the write.
func (t *timed) extend() { _ = t.control.SetWriteDeadline(time.Now().Add(t.stall)) }

// Write implements http.ResponseWriter.
func (t *timed) Write(p []byte) (int, error) {
	t.extend()
	return t.ResponseWriter.Write(p)
}

// FlushError is what http.ResponseController.Flush calls.
func (t *timed) FlushError() error {
	t.extend()
	return t.control.Flush()
}

// Unwrap is what http.ResponseController looks for.
func (t *timed) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// limitedListener accepts so many connections at once; others wait in the kernel's queue.
type limitedListener struct {
	net.Listener
	open  slots
	ended <-chan struct{}
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.open <- struct{}{}:
	case <-l.ended:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		l.open.free()
		return nil, err
	}
	return &limitedConn{Conn: conn, free: sync.OnceFunc(l.open.free)}, nil
}

type limitedConn struct {
	net.Conn
	free func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}
