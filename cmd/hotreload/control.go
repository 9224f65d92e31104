package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"hotreload/engine"
	"hotreload/engine/control"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// The values of --socket that are no paths.
const (
	socketAuto = "auto"
	socketOff  = "off"
)

// resizable is an engine that gets more processors when it gets more workers.
type resizable struct {
	*engine.Engine
	provide func(workers int)
}

// Resize implements control.Host.
func (r resizable) Resize(workers int) error {
	err := r.Engine.Resize(workers)
	if err == nil {
		r.provide(workers)
	}
	return err
}

// serve opens the control API of host and serves it until stop is called, which waits for the end of it. A socket that
// was not asked for may be missing; everything else that was must work, or is an error. A view needs a socket: if there is
// no other it gets one of its own.
func (s *settings) serve(
	host control.Host, log *zap.Logger, lookup func(string) (string, bool), v *view,
) (socket string, stop func(), err error) {
	cfg := control.Config{
		Socket: s.Socket, Listen: s.Listen, TokenFile: s.TokenFile, TLS: s.TLS, TrustedKeys: s.RequireSigned, Web: s.Web, Log: log,
	}
	switch s.Socket {
	case socketOff:
		cfg.Socket = ""
	case socketAuto:
		cfg.Socket = autoSocket(log, lookup)
	}
	remove := func() {}
	if cfg.Socket == "" && v != nil {
		if cfg.Socket, remove, err = privateSocket(); err != nil {
			return "", nil, err
		}
	}
	if cfg.Socket == "" && cfg.Listen == "" {
		return "", remove, nil
	}
	server, err := control.Open(cfg, host)
	if err != nil {
		remove()
		return "", nil, err
	}
	if addr := server.Addr(); addr != "" {
		log.Named("control").Info("listening", zap.String("address", addr), engine.Text("listening on %s", addr))
		if s.Web {
			log.Named("control").Info("web page", zap.String("address", addr), pageText(addr, s.TLS != ""))
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group errgroup.Group
	group.Go(func() error { return server.Serve(ctx) })
	return cfg.Socket, func() {
		defer remove()
		cancel()
		if err := group.Wait(); err != nil {
			log.Named("control").Warn("ended early", zap.Error(err), engine.Text("the control API has ended early: %v", err))
		}
	}, nil
}

// privateSocket returns the path of a socket that nobody else finds, and what removes it.
func privateSocket() (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "hotreload-view-")
	if err != nil {
		return "", nil, fmt.Errorf("socket of the live view: %w", err)
	}
	return filepath.Join(dir, "view.sock"), func() { _ = os.RemoveAll(dir) }, nil
}

// pageText says how a browser comes to the web page at addr.
func pageText(addr string, tls bool) zap.Field {
	if tls {
		return engine.Text("web page: https://%s/, for browsers with the certificate of a client", addr)
	}
	return engine.Text("web page: 'hotreload web --to %s' prints its address with a token", addr)
}

// autoSocket returns the usual socket, or "" if there can be none.
func autoSocket(log *zap.Logger, lookup func(string) (string, bool)) string {
	path, err := control.DefaultSocket(control.SocketDir(lookup))
	if err != nil {
		log.Named("control").Warn("no control socket", zap.Error(err), engine.Text("no control socket: %v", err))
		return ""
	}
	return path
}

// isAddress tells whether text is HOST:PORT, HOST being allowed to be empty: all addresses.
func isAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}
