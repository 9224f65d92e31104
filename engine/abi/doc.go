// Package abi turns the logic_api_t of a loaded plugin, as bytes in memory, into a checked API.
//
// Problem. A plugin's API is a pointer handed over by foreign code. It may be null, wild, from another version, too
// short, or name functions that are not there; each must be a refusal with a reason and never a crash of the host.
//
// Mechanism. Read looks at nothing outside the library's own image: the struct, each function pointer and each name are
// checked against it before they are used. Guard then compares what was read with what the host expects.
//
// Parts. api.go is the layout of logic_api_t and its reader, guard.go the rules, mismatch.go the refusal. The package
// is pure: no file, no system call, no unsafe.
package abi
