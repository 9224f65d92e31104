package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotreload/engine/artifact"
	"hotreload/engine/build"
)

// Push is a library that somebody hands to a running engine.
type Push struct {
	// Name is the library's base name, for people: "logic.so".
	Name string
	// Limit is the size in bytes above which it is refused. 0: artifact.MaxSize.
	Limit int64
	// If is the number of the generation that must be running when the push is decided; 0: any, or none.
	If uint64
	// Accept, if not nil, is asked with the SHA-256 of all bytes, hexadecimal, before anything else looks at them. Its
	// error is that of the push.
	Accept func(hash string) error
}

// GenerationError refuses a push that was meant for another generation than the one that runs.
type GenerationError struct {
	Expected uint64
	Running  uint64 // 0: none
}

// Error implements error.
func (e *GenerationError) Error() string {
	return fmt.Sprintf("expected generation %d to run, but generation %d does: look at what has changed, then push again",
		e.Expected, e.Running)
}

// TooLargeError refuses a push above its limit.
type TooLargeError struct{ Limit int64 }

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the library is larger than %d bytes, which is all that is taken", e.Limit)
}

// errEmptyPush refuses a push without a byte.
var errEmptyPush = &artifact.Refusal{
	File: "push", Check: artifact.CheckSize, Expected: "a library", Actual: "no bytes", Hint: "push the library itself",
}

// Push takes the library that r yields through inspection, trial and guard to the workers, as if it had been built here,
// and waits for the verdict. It returns the generation that was published, and otherwise ErrUnchanged, a *StageError, a
// *GenerationError, a *TooLargeError, ErrNotRunning, or an error of r or of Accept. Bytes arrive beside the pipeline:
// while they do, ticks and other reloads go on. What is cut off by ctx before all bytes are there has no effect; after
// that the verdict is reached all the same.
func (e *Engine) Push(ctx context.Context, push Push, r io.Reader) (Generation, error) {
	if push.Limit <= 0 || push.Limit > artifact.MaxSize {
		push.Limit = artifact.MaxSize
	}
	dir, err := e.spool()
	if err != nil {
		return Generation{}, err
	}
	discard := func() { _ = os.RemoveAll(dir) } // what stays goes with the run directory
	path := filepath.Join(dir, spoolName(push.Name))
	hash, err := receive(path, push.Limit, r)
	if err == nil && push.Accept != nil {
		err = push.Accept(hash)
	}
	if err != nil {
		discard()
		return Generation{}, err
	}
	var published Generation
	verdict := make(chan error, 1)
	err = e.submit(ctx, func(p *pipeline) {
		defer discard()
		var err error
		published, err = p.pushed(path, push.If)
		verdict <- err
	})
	if err != nil {
		discard()
		return Generation{}, err
	}
	select {
	case err := <-verdict:
		return published, err
	case <-e.ended:
		return Generation{}, ErrNotRunning
	case <-ctx.Done():
		return Generation{}, context.Cause(ctx)
	}
}

// spool makes a directory for a library on its way in.
func (e *Engine) spool() (string, error) {
	e.mu.Lock()
	scratch, running := e.scratch, e.status.Running
	e.mu.Unlock()
	if !running {
		return "", ErrNotRunning
	}
	dir, err := os.MkdirTemp(scratch, "push-")
	if errors.Is(err, os.ErrNotExist) {
		return "", ErrNotRunning // the run has just ended and taken its directory along
	}
	return dir, err
}

// spoolName makes name safe for the file system.
func spoolName(name string) string {
	name = filepath.Base(filepath.Clean("/" + name))
	if name == "/" || name == "." || strings.ContainsRune(name, 0) || len(name) > 200 {
		return "pushed.so"
	}
	return name
}

// receive writes what r yields to a new file and returns the SHA-256 of it.
func receive(path string, limit int64, r io.Reader) (hash string, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(r, limit+1))
	if closing := file.Close(); err == nil {
		err = closing
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("receive the library: %w", err)
	case n > limit:
		return "", &TooLargeError{limit}
	case n == 0:
		return "", &StageError{StageInspect, errEmptyPush}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// pushed answers Engine.Push.
func (p *pipeline) pushed(path string, expected uint64) (Generation, error) {
	if p.stopping {
		return Generation{}, ErrNotRunning
	}
	if p.pinned {
		return p.running.generation, ErrPin
	}
	first := p.running == nil
	running := uint64(0)
	if !first {
		running = p.running.generation.Number
	}
	if expected != 0 && expected != running {
		return Generation{}, &GenerationError{expected, running}
	}
	now := time.Now()
	c := change{first: now, built: &built{result: build.Result{Library: path, Fresh: true}, at: now}}
	err := p.admit(p.ctx, &c)
	if p.ctx.Err() != nil && err != nil {
		return Generation{}, ErrNotRunning
	}
	p.conclude(&c, err, first)
	if p.running == nil {
		return Generation{}, err
	}
	return p.running.generation, err
}
