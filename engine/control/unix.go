package control

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxSocketPath is what fits into a sockaddr_un.
const maxSocketPath = 107

// listenUnix makes the socket at path, which only its owner can open. It is never there with other rights, not even for
// a moment. A socket that nobody listens on is replaced.
func listenUnix(path string) (net.Listener, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("control socket: %s: expected no file or a socket nobody uses, got %v", path, info.Mode())
		}
		if alive(path) {
			return nil, fmt.Errorf("control socket: %s is in use by another host: name another", path)
		}
	}
	// It comes into being in a directory that only this user can enter, and moves out with its rights set.
	nursery, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	defer func() { _ = os.RemoveAll(nursery) }()
	born := filepath.Join(nursery, "s")
	if len(path) > maxSocketPath || len(born) > maxSocketPath {
		return nil, fmt.Errorf("control socket: %s: expected a path of %d bytes or so at most: name a shorter one", path, maxSocketPath-16)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: born, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(born, 0o600); err == nil {
		err = os.Rename(born, path)
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return &ownSocket{l, path}, nil
}

// ownSocket accepts connections of the user that it belongs to, and of root, and removes its file when it closes.
type ownSocket struct {
	*net.UnixListener
	path string
}

// Accept implements net.Listener.
func (s *ownSocket) Accept() (net.Conn, error) {
	for {
		conn, err := s.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, err := peer(conn); err == nil && (uid == os.Geteuid() || uid == 0) {
			return conn, nil
		}
		_ = conn.Close()
	}
}

// Close implements net.Listener.
func (s *ownSocket) Close() error {
	err := os.Remove(s.path)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(s.UnixListener.Close(), err)
}

// peer returns the user at the other end.
func peer(conn *net.UnixConn) (uid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	var failure error
	err = raw.Control(func(fd uintptr) {
		credentials, failure = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, failure); err != nil {
		return 0, err
	}
	return int(credentials.Uid), nil
}

// ownerGate lets everybody in who could connect.
type ownerGate struct{}

// pass implements gate.
func (ownerGate) pass(*http.Request) (visitor, *Problem) {
	return visitor{role: Deploy, name: "local user"}, nil
}

// hosts implements gate: no browser reaches a unix socket, and what clients put into Host is a convention.
func (ownerGate) host(name string) bool { return name == unixHost || name == "localhost" }
