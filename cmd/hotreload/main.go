package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"hotreload/engine"
)

// init keeps the main thread for main: it never ends, and a worker's thread must, to take its thread-local storage along.
func init() { runtime.LockOSThread() }

func main() {
	os.Exit(doMain(os.Args[1:], os.Stdout, os.Stderr, os.LookupEnv))
}

// doMain runs the command with the given arguments and environment and returns the process's exit code.
func doMain(args []string, stdout, stderr io.Writer, lookup func(string) (string, bool)) int {
	root := newRoot(&terminal{stdout: stdout, stderr: stderr, lookup: lookup})
	root.SetArgs(args)
	err := root.Execute()
	var code exitCode
	switch {
	case err == nil:
		return engine.ExitSuccess
	case errors.As(err, &code):
		return int(code)
	}
	// Whatever else a command returns came before it began: a usage error, one of ours or one of cobra's.
	text := fmt.Sprintf("hotreload: %v (run 'hotreload --help')\n", err)
	if detail := new(configError); errors.As(err, &detail) {
		text += detail.excerpt + "\n"
	}
	_, _ = io.WriteString(stderr, text) // there is nowhere else to complain
	return engine.ExitUsage
}

// terminal is what a command has of the outside world.
type terminal struct {
	stdout, stderr io.Writer
	lookup         func(name string) (value string, set bool) // of an environment variable
}

// exitCode ends the process with that code; whoever returns it has said why already.
type exitCode int

// Error implements error.
func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// exit returns nil for code 0, else the code as an error.
func exit(code int) error {
	if code == engine.ExitSuccess {
		return nil
	}
	return exitCode(code)
}
