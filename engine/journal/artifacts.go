package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Artifacts is the directory in which the libraries of a journal are kept.
type Artifacts string

// Beside returns the directory that belongs to the journal at path.
func Beside(path string) Artifacts { return Artifacts(path + ".d") }

// Path returns where the library with that hash lies.
func (a Artifacts) Path(hash string) string { return filepath.Join(string(a), hash+".so") }

// Keep copies the library at path into the directory, unless it is there. Whoever finds it there finds it whole.
func (a Artifacts) Keep(hash, path string) (err error) {
	if _, err := os.Stat(a.Path(hash)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(string(a), 0o755); err != nil {
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.CreateTemp(string(a), "incoming.*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(out.Name()) }() // fails when it has got its name
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Chmod(0o444)
	}
	if closing := out.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(out.Name(), a.Path(hash))
}

// A MissingError is a library that a journal names and that is not kept as it was.
type MissingError struct {
	Hash   string
	Path   string
	Actual string // another hash; "" when there is no file
	Err    error  // that of the system when the file cannot be read
}

// Error implements error.
func (e *MissingError) Error() string {
	switch {
	case e.Actual != "":
		return fmt.Sprintf("%s has been altered: its SHA-256 is %.12s…; put back the original", e.Path, e.Actual)
	case errors.Is(e.Err, fs.ErrNotExist):
		return fmt.Sprintf("artifact %.12s… is missing: expected it as %s; put it there, or name its directory with --artifacts", e.Hash, e.Path)
	}
	return fmt.Sprintf("artifact %.12s…: %v", e.Hash, e.Err)
}

// Unwrap returns the error of the system.
func (e *MissingError) Unwrap() error { return e.Err }

// Check makes sure that the library with that hash is kept as it was. The error is a *MissingError.
func (a Artifacts) Check(hash string) error {
	path := a.Path(hash)
	file, err := os.Open(path)
	if err != nil {
		return &MissingError{Hash: hash, Path: path, Err: err}
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return &MissingError{Hash: hash, Path: path, Err: err}
	}
	if actual := hex.EncodeToString(sum.Sum(nil)); actual != hash {
		return &MissingError{Hash: hash, Path: path, Actual: actual}
	}
	return nil
}
