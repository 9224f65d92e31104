// Command peers runs the benchmarks with more ways to call a tick: what a host weighs that does not load native code
// into its own process, or not with hotreload. It is a module of its own, so that what it needs reaches nobody else.
//
//   - wazero runs the benchmarks' plugin compiled to WebAssembly, if clang and lld can do that
//   - go-plugin runs it in a process of its own, a call is a gRPC
//   - Go's plugin package loads the tick written in Go, if this is built with cgo
//
// All flags are those of bench/run.
package main
