package control

import (
	"errors"
	"fmt"
	"net"

	"hotreload/engine"

	"go.uber.org/zap"
)

// listenTCP listens where the configuration says, and says who may enter. Without certificates it is loopback or
// nothing.
func listenTCP(cfg *Config) (door, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return door{}, fmt.Errorf("listen: expected HOST:PORT that is free: %w", err)
	}
	d, err := secure(l, cfg)
	if err != nil {
		_ = l.Close()
		return door{}, err
	}
	return d, nil
}

// errNeedsTLS refuses to serve other machines in the clear.
var errNeedsTLS = errors.New("an address that other machines reach needs certificates: make them with " +
	"'hotreload pki init' and name the server's directory with --tls, or listen on 127.0.0.1")

// secure decides by the address that l is really bound to.
func secure(l net.Listener, cfg *Config) (door, error) {
	if cfg.TLS != "" {
		bundle, err := loadServer(cfg.TLS)
		if err != nil {
			return door{}, err
		}
		return door{listener: l, gate: bundle, tls: bundle.config}, nil
	}
	if addr, ok := l.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		return door{}, fmt.Errorf("listen on %s: %w", cfg.Listen, errNeedsTLS)
	}
	path := cfg.TokenFile
	if path == "" {
		var err error
		if path, err = DefaultTokenFile(); err != nil {
			return door{}, err
		}
	}
	t, created, err := loadTokens(path, true)
	if err != nil {
		return door{}, err
	}
	if created {
		cfg.log().Info("tokens made", zap.String("file", path), engine.Text("made tokens for clients in %s", path))
	}
	return door{listener: l, gate: tokenGate{t}}, nil
}
