package control

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// tokens is one secret for each role, from a file that only its owner can read. A line of it is a role and 64
// hexadecimal digits.
type tokens map[Role]string

const (
	tokenBytes   = 32
	tokenFileMax = 64 << 10
)

// loadTokens reads the file of tokens at path, which it makes, with a fresh token for each role, when it does not exist
// and create is set. created tells whether it did. It is an error if others can read the file.
func loadTokens(path string, create bool) (t tokens, created bool, err error) {
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		if text, err = createTokens(path); err == nil {
			created = true
		} else if errors.Is(err, fs.ErrExist) { // another host was faster
			text, err = readPrivate(path)
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("token file: %w", err)
	}
	if t, err = parseTokens(text); err != nil {
		return nil, false, fmt.Errorf("token file %s: %w", path, err)
	}
	return t, created, nil
}

func parseTokens(text []byte) (tokens, error) {
	t := tokens{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		role, err := ParseRole(fields[0])
		if len(fields) != 2 || err != nil {
			return nil, fmt.Errorf("line %d: expected a role (read, operate or deploy) and its token", n)
		}
		if raw, err := hex.DecodeString(fields[1]); err != nil || len(raw) < tokenBytes {
			return nil, fmt.Errorf("line %d: expected a token of %d hexadecimal digits", n, 2*tokenBytes)
		}
		if t[role] != "" {
			return nil, fmt.Errorf("line %d: expected one token for each role, got a second one for %s", n, role)
		}
		t[role] = strings.ToLower(fields[1])
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(t) == 0 {
		return nil, errors.New("expected at least one token, got none: remove the file to have it made anew")
	}
	return t, nil
}

// createTokens writes a new file, whole or not at all: another process that starts meanwhile must not read half of it.
func createTokens(path string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	text := []byte("# hotreload: what clients on this machine show to a host that listens on loopback\n")
	for _, role := range Roles {
		secret := make([]byte, tokenBytes)
		_, _ = rand.Read(secret) // never fails
		text = fmt.Appendf(text, "%s %x\n", role, secret)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".token-") // with mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(text)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, err
	}
	return text, os.Link(file.Name(), path) // fails if there is a file by now
}

// readPrivate reads a small file that nobody but its owner may have access to.
func readPrivate(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: expected a regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s: expected mode 0600, got %#o: others can read it; replace what it holds, then chmod 600", path, info.Mode().Perm())
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() && os.Geteuid() != 0 {
		return nil, fmt.Errorf("%s: expected a file of user %d, got one of user %d", path, os.Geteuid(), owner.Uid)
	}
	text, err := io.ReadAll(io.LimitReader(file, tokenFileMax+1))
	if err == nil && len(text) > tokenFileMax {
		err = fmt.Errorf("%s: expected at most %d bytes", path, tokenFileMax)
	}
	return text, err
}

// role returns the role whose token is presented, and 0 if it is nobody's. How long it takes depends on nothing but the
// length of what is presented.
func (t tokens) role(presented string) (role Role) {
	got := sha256.Sum256([]byte(presented))
	for _, r := range Roles {
		want := sha256.Sum256([]byte(t[r]))
		if subtle.ConstantTimeCompare(got[:], want[:])&present(t[r]) == 1 {
			role = r
		}
	}
	return role
}

// present is 1 for a token that exists.
func present(token string) int { return min(len(token), 1) }

// best returns the token of the greatest role, at most limit.
func (t tokens) best(limit Role) (token string, ok bool) {
	for i := len(Roles) - 1; i >= 0; i-- {
		if Roles[i] <= limit && t[Roles[i]] != "" {
			return t[Roles[i]], true
		}
	}
	return "", false
}

// DefaultTokenFile is where hosts and clients of one user look for tokens: hotreload/token in the user's configuration
// directory.
func DefaultTokenFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("token file: %w: name one", err)
	}
	return filepath.Join(dir, "hotreload", "token"), nil
}
