// Package plugin makes the libraries that the benchmarks load.
//
// A benchmark of swapping must not measure a compiler. So the plugin is compiled once, and every further library is the
// same file with another number in one constant, which its tick writes to the state: the state tells which library ran.
package plugin
