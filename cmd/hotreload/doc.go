// Command hotreload runs a native plugin on state that it owns, rebuilds the plugin when its source changes, and swaps
// the new code in without stopping and without losing state.
//
//	hotreload --watch logic.c --build "cc -shared -fPIC -o logic.so logic.c" --tick-ms 100 --seed 123
//
// The command is a thin layer over package engine: it gathers settings (flags.go, config.go: command line, then
// environment, then hotreload.toml, then defaults), checks them (check.go: one line on standard error for what is wrong,
// exit code 2), turns the engine's log into lines a person reads or JSON (log.go, console.go), passes on signals
// (signal.go), and reports the last reload's outcome as its exit code (run.go). Each command has a file of its own.
package main
