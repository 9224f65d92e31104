// Package conformance checks what lies in the directory above it: the header that is the contract between host and
// plugins, the samples, the variants that tests and demos use, and the corpus of hostile plugins.
//
// The contract is a layout in memory that four languages spell out for themselves, so agreement between the sources
// proves little. The tests ask the compilers instead: a small C program (testdata/harness.c) opens each built plugin
// as a host would, ticks it and prints what it sees; debug information, which no macro of the header has touched,
// says where the fields of a state really are; and each hostile plugin must do to an unprotected program what its
// first lines claim.
//
// The package has no code of its own. It stands apart from the C sources because the go command does not accept
// them in the directory of a Go package that does not use cgo. Tests of a language whose compiler is absent are skipped.
package conformance
