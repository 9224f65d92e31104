package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// SocketDir is where hosts of this user make their sockets and clients look for them: $XDG_RUNTIME_DIR/hotreload, else
// hotreload-UID in the temporary directory.
func SocketDir(lookup func(string) (string, bool)) string {
	if dir, _ := lookup("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hotreload")
	}
	dir, _ := lookup("TMPDIR")
	if dir == "" {
		dir = "/tmp"
	}
	return filepath.Join(dir, fmt.Sprintf("hotreload-%d", os.Geteuid()))
}

// DefaultSocket is the socket of this process in dir. It makes dir, or fails if it is not private to this user, and
// removes the sockets that hosts have left there which are no more.
func DefaultSocket(dir string) (path string, err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", fmt.Errorf("socket directory: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("socket directory: %w", err)
	}
	if err := private(dir); err != nil {
		return "", err
	}
	paths, err := sockets(dir)
	if err != nil {
		return "", err
	}
	for _, path := range paths {
		if !alive(path) {
			_ = os.Remove(path)
		}
	}
	return filepath.Join(dir, strconv.Itoa(os.Getpid())+".sock"), nil
}

// private refuses a directory that others could put a socket into: clients would talk to it.
func private(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("socket directory: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || ok && int(owner.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("socket directory: %s: expected a directory of user %d with mode 0700, got %v: name another socket",
			dir, os.Geteuid(), info.Mode())
	}
	return nil
}

// sockets lists the sockets in dir, none if it does not exist.
func sockets(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("socket directory: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if e.Type() == os.ModeSocket && strings.HasSuffix(e.Name(), ".sock") {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// alive tells whether somebody listens on the socket.
func alive(path string) bool {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, os.ErrNotExist)
	}
	_ = conn.Close()
	return true
}

// Discover returns the socket of the only host of this user that runs.
func Discover(dir string) (path string, err error) {
	paths, err := sockets(dir)
	if err != nil {
		return "", err
	}
	if len(paths) > 0 {
		if err := private(dir); err != nil {
			return "", err
		}
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return !alive(path) })
	switch len(paths) {
	case 0:
		return "", fmt.Errorf("no host runs here: expected one with a socket in %s; name another with --to", dir)
	case 1:
		return paths[0], nil
	}
	return "", fmt.Errorf("%d hosts run here: name one with --to unix:PATH, PATH being one of %s", len(paths), strings.Join(paths, ", "))
}
