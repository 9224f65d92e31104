package build

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Builder runs one build command, as often as it is asked to. Its methods are safe for concurrent use; builds run one at
// a time.
type Builder struct {
	config Config // with absolute paths
	bases  []string
	turn   chan struct{} // holds a token while a build runs
}

// Result is what a build left. Build fills in what it knows also when it returns an error: the dependencies of a build
// that failed are worth watching, for the mistake may be in one of them.
type Result struct {
	// Library is the absolute path of the library.
	Library string
	// Fresh says that this build wrote the library; if not, the command saw nothing to do.
	Fresh bool
	// Duration is how long the build took, from its start until the last of its processes was gone.
	Duration time.Duration
	// Output is what the command printed on both streams, as valid UTF-8: at most MaxOutput bytes, the middle left out.
	Output string
	// Warning is the first warning; zero if there was none.
	Warning Diagnostic
	// Dependencies are the files that went into the library as far as compilers told: absolute, sorted, without those
	// in system directories and those which the build itself makes.
	Dependencies []string
}

// Library returns the absolute path of the library that the command leaves: Config.Library, else what the command's last
// -o operand ending in .so says, else its last -o operand, else Config.Source with its extension replaced by .so.
func (b *Builder) Library() string { return b.config.Library }

// Build runs the command and waits until it and everything it started has ended. A second call waits until the first has
// returned.
//
// The error is a *Failure if the command failed, took too long or left no library. If ctx is done, the build is stopped,
// gently and then by force, and the error wraps the cause; no process of the build runs then either. Any other error
// means that the host could not start, stop or observe the command.
//
// The command gets no input. Processes which it leaves behind in its process group are killed; a daemon that has made
// a session of its own is not, and is not waited for.
func (b *Builder) Build(ctx context.Context) (Result, error) {
	result := Result{Library: b.config.Library}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return result, fmt.Errorf("build: not started: %w", context.Cause(ctx))
	}

	depfile, err := newCompilerDepfile(b.config.Scratch)
	if err != nil {
		return result, err
	}
	defer depfile.close()
	var text transcript
	var messages finder
	before, began := fingerprintOf(b.config.Library), time.Now()
	process, err := start(b.config.Command, b.config.Dir, environment(os.Environ(), depfile.name), io.MultiWriter(&text, &messages))
	if err != nil {
		return result, b.notStarted(err)
	}
	end, err := process.run(ctx, b.config.Timeout)
	messages.close()

	result.Duration = time.Since(began)
	result.Output = text.String()
	result.Warning = messages.warning
	result.Dependencies = dependencies([]string{depfile.path, b.config.Depfile}, b.bases, b.config.Library)
	after := fingerprintOf(b.config.Library)
	result.Fresh = after != before && after != fingerprint{}
	switch {
	case err != nil:
		return result, fmt.Errorf("build: %w", err)
	case end.stopped != nil:
		return result, fmt.Errorf("build: stopped: %w", end.stopped)
	case end.timedOut || !end.state.Success():
		return result, b.failed(end, result, &messages)
	case after == fingerprint{}:
		return result, b.leftNothing(result)
	}
	return result, nil
}

func (b *Builder) notStarted(err error) *Failure {
	return &Failure{
		Command: b.config.Command, ExitCode: -1,
		Diagnostic: Diagnostic{Severity: "error", Text: cleanText(fmt.Sprintf("the command did not start: %v", err))},
		Hint:       "check that the directory given with --dir and /bin/sh exist",
	}
}

func (b *Builder) failed(end ending, result Result, messages *finder) *Failure {
	failure := &Failure{
		Command: b.config.Command, ExitCode: end.state.ExitCode(), TimedOut: end.timedOut,
		Diagnostic: messages.best, Output: result.Output, Duration: result.Duration, Hint: messages.hint,
	}
	if status, ok := end.state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		failure.Signal = status.Signal()
	}
	if end.timedOut {
		failure.Hint = "find out why the command hangs (it gets no input), or raise --build-timeout"
	}
	if end.timedOut || failure.Diagnostic.IsZero() {
		failure.Diagnostic = Diagnostic{Text: failure.ending(b.config.Timeout)}
	}
	return failure
}

func (b *Builder) leftNothing(result Result) *Failure {
	text := fmt.Sprintf("the command succeeded but left no library at %s", b.config.Library)
	if info, err := os.Stat(b.config.Library); err == nil && !info.Mode().IsRegular() {
		text = fmt.Sprintf("expected a library at %s, found %v", b.config.Library, info.Mode().Type())
	}
	return &Failure{
		Command: b.config.Command, Diagnostic: Diagnostic{Severity: "error", Text: cleanText(text)},
		Output: result.Output, Duration: result.Duration,
		Hint: "name the library that the command writes with --lib",
	}
}
