// Package artifact keeps built libraries and judges them before anything maps them.
//
// # Problem
//
// A library's file is a dangerous thing to load. The compiler may replace it while it is read. dlopen of a known path or
// inode hands back the library loaded before. A truncated file raises SIGBUS inside the dynamic loader and a damaged one
// makes it read at random; neither is an error that dlopen would return, and both end the host. And a sound library may
// hold things which keep it from ever being unloaded, or which end the host later.
//
// # Mechanism
//
// A Store takes a copy of the file that is known to be whole and stable, names it by the SHA-256 of its bytes and never
// changes it again. Inspect reads such a file as the dynamic loader would, with every offset, count and index checked,
// and either refuses it with a Refusal or describes it in a Report, whose findings name what stops unloading or endangers
// the host, and the remedy. For each generation the store makes a Shadow: a private file with an inode of its own, for
// dlopen alone.
//
// What no reading of a file can tell, the trial must find out: code that crashes, and bytes changed where any value is
// allowed.
//
// # Parts
//
//   - Store, Artifact, Hash: take, store, shadow, limits: the content-addressed copies
//   - Inspect, Report, Refusal, Finding: the judgement
//   - header, segments, sections: is the file whole, and of the right kind
//   - dynamic, symbols, hashes, relocations, versions: would the loader survive it
//   - imports, rules, notes: what it would do to the host
package artifact
