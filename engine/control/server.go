package control

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"hotreload/engine"
	"hotreload/engine/state"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Host is what the server needs of an engine; *engine.Engine is one.
type Host interface {
	Status() engine.Status
	Events(buffer int) (<-chan engine.Event, func())
	Reload(ctx context.Context) error
	Rollback(ctx context.Context, generation uint64) error
	Push(ctx context.Context, push engine.Push, r io.Reader) (engine.Generation, error)
	State(ctx context.Context, first, count int) (*engine.StateView, error)
	Snapshot(ctx context.Context) (*state.Snapshot, error)
	Restore(ctx context.Context, r io.Reader) (engine.Restored, error)
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
	Step(ctx context.Context, ticks uint64) error
	Pin(ctx context.Context) error
	Unpin(ctx context.Context) error
	Resize(workers int) error
	Workers() []engine.WorkerStatus
	Timing() engine.Timing
	Measures() engine.Measures
}

// Config says where to serve and to whom. At least one of Socket and Listen is needed.
type Config struct {
	// Socket is the path of the unix socket; see DefaultSocket. "": none.
	Socket string
	// Listen is the TCP address, HOST:PORT. "": none.
	Listen string
	// TokenFile is the file of bearer tokens for loopback, made if it does not exist. "": DefaultTokenFile.
	TokenFile string
	// TLS is a directory with the server's certificates (see PKI). Needed for every address but loopback; with it,
	// loopback asks for certificates in place of tokens too.
	TLS string
	// TrustedKeys is a file of public keys. Not "": only pushes that one of them has signed are taken.
	TrustedKeys string
	// Web serves the web page as well, at /.
	Web bool
	// MaxPush is the size in bytes of the largest library that may be pushed. Default 256 MiB.
	MaxPush int64
	// Log is told who changes what. nil: nobody is.
	Log *zap.Logger

	limits limits // tests shorten them
}

func (c *Config) log() *zap.Logger {
	if c.Log == nil {
		return zap.NewNop()
	}
	return c.Log.Named("control")
}

// Server serves one engine. Make it before the engine runs, so that no event is missed.
type Server struct {
	cfg     Config
	host    Host
	log     *zap.Logger
	started time.Time
	run     string // random: tells this run's event ids from those of others
	trusted trusted
	ring    *ring
	metrics *metrics

	events      <-chan engine.Event
	catchUp     chan chan struct{} // asks record for a moment at which it has recorded all that has happened
	recorded    chan struct{}      // closed when record is done
	unsubscribe func()
	doors       []door

	streams, uploads, snapshots, scrapes slots

	mu       sync.Mutex
	ending   bool
	inFlight sync.WaitGroup // handlers; Add under mu while not ending
}

// door is one listener with who may enter and what serves it.
type door struct {
	listener net.Listener
	gate     gate
	tls      *tls.Config // nil: in the clear
	server   *http.Server
}

// Open opens the listeners that cfg asks for. The caller must call Serve or Close.
func Open(cfg Config, host Host) (*Server, error) {
	if cfg.MaxPush <= 0 {
		cfg.MaxPush = defaultMaxPush
	}
	if cfg.limits == (limits{}) {
		cfg.limits = usualLimits
	}
	s := &Server{
		cfg: cfg, host: host, log: cfg.log(), started: time.Now(), run: newRun(), ring: newRing(cfg.limits.events),
		streams: make(slots, cfg.limits.streams), uploads: make(slots, cfg.limits.uploads), snapshots: make(slots, cfg.limits.snapshots),
		scrapes: make(slots, scrapes),
		catchUp: make(chan chan struct{}), recorded: make(chan struct{}),
	}
	s.metrics = newMetrics(host)
	if cfg.TrustedKeys != "" {
		var err error
		if s.trusted, err = loadTrusted(cfg.TrustedKeys); err != nil {
			return nil, err
		}
	}
	if err := s.listen(); err != nil {
		for _, d := range s.doors {
			_ = d.listener.Close()
		}
		return nil, err
	}
	s.events, s.unsubscribe = host.Events(4 * cfg.limits.events)
	return s, nil
}

func (s *Server) listen() error {
	if s.cfg.Socket != "" {
		l, err := listenUnix(s.cfg.Socket)
		if err != nil {
			return err
		}
		s.open(door{listener: l, gate: ownerGate{}})
	}
	if s.cfg.Listen != "" {
		d, err := listenTCP(&s.cfg)
		if err != nil {
			return err
		}
		s.open(d)
	}
	if len(s.doors) == 0 {
		return errors.New("control: expected a socket or an address to listen on, got neither")
	}
	return nil
}

func (s *Server) open(d door) {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	handler := admit(d.gate, s.routes())
	if s.cfg.Web {
		handler = page(d.gate, handler)
	}
	d.server = &http.Server{
		Handler:           s.track(handler),
		ReadHeaderTimeout: s.cfg.limits.header,
		IdleTimeout:       s.cfg.limits.idle,
		MaxHeaderBytes:    maxHeader,
		Protocols:         &protocols,
		ErrorLog:          zap.NewStdLog(s.log.WithOptions(zap.IncreaseLevel(zap.ErrorLevel))),
	}
	s.doors = append(s.doors, d)
}

// Addr returns the TCP address that the server listens on, "" if it does not.
func (s *Server) Addr() string {
	for _, d := range s.doors {
		if d.listener.Addr().Network() == "tcp" {
			return d.listener.Addr().String()
		}
	}
	return ""
}

// Close gives up a server that Serve was not called for.
func (s *Server) Close() error {
	s.unsubscribe()
	var errs []error
	for _, d := range s.doors {
		errs = append(errs, d.listener.Close())
	}
	return errors.Join(errs...)
}

// Serve answers requests until ctx ends. Then streams end with the last event, requests under way have a moment to end
// too, and all connections are closed. It returns after every handler has returned; nil if it ended because of ctx.
func (s *Server) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, d := range s.doors {
		s.log.Debug("listening", zap.String("network", d.listener.Addr().Network()), zap.Stringer("address", d.listener.Addr()))
		group.Go(func() error {
			var l net.Listener = &limitedListener{d.listener, make(slots, s.cfg.limits.connections), ctx.Done()}
			if d.tls != nil {
				l = tls.NewListener(l, d.tls)
			}
			err := d.server.Serve(l)
			if ctx.Err() != nil { // closed by us, here or there
				return nil
			}
			return fmt.Errorf("control: %w", err)
		})
		group.Go(func() error {
			<-ctx.Done()
			s.shut(d.server)
			return nil
		})
	}
	group.Go(func() error {
		s.record()
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		s.unsubscribe()
		return nil
	})
	err := group.Wait()
	s.mu.Lock()
	s.ending = true
	s.mu.Unlock()
	s.inFlight.Wait()
	return err
}

// shut ends an HTTP server, first gently.
func (s *Server) shut(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.limits.end)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}

// record moves events from the engine to the ring until there are no more.
func (s *Server) record() {
	defer close(s.recorded)
	defer s.ring.close()
	for {
		select {
		case ev, ok := <-s.events:
			if !ok {
				return
			}
			s.keep(ev)
		case done := <-s.catchUp:
			for n := len(s.events); n > 0; n-- {
				if ev, ok := <-s.events; ok {
					s.keep(ev)
				}
			}
			close(done)
		}
	}
}

func (s *Server) keep(ev engine.Event) {
	s.metrics.count(ev)
	s.ring.add(newRecord(newEvent(ev)))
}

// settle returns when all that has happened is recorded: who has the answer to a change finds its events.
func (s *Server) settle() {
	done := make(chan struct{})
	select {
	case s.catchUp <- done:
		<-done
	case <-s.recorded:
	}
}

// track lets Serve wait for handlers, and limits the time for each of their writes.
func (s *Server) track(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.ending {
			s.mu.Unlock()
			problem(http.StatusServiceUnavailable, "not-running", "the host is ending").write(w)
			return
		}
		s.inFlight.Add(1)
		s.mu.Unlock()
		defer s.inFlight.Done()
		out := &timed{w, http.NewResponseController(w), s.cfg.limits.stall}
		out.extend() // for "100 Continue"
		next.ServeHTTP(out, r)
	})
}
