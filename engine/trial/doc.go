// Package trial runs a candidate library in a child process before the host loads it.
//
// # Problem
//
// Some harm cannot be contained in the process where it happens: a constructor that crashes or hangs inside dlopen with
// the loader's lock held, a call of exit, a damaged heap, descriptors closed behind their owner's back, a write past the
// end of the state onto a neighbour's. Whoever loads such a library has lost already, so somebody else has to try.
//
// # Mechanism
//
// The somebody is this program itself, started again: the init function of this package recognises the child by an
// environment variable that names an inherited socket by its inode, serves one trial, and never returns to the program's
// main. No program starts as a child by accident: the variable alone is not enough, descriptor 3 has to be the very
// socket that it names, and whoever finds the variable without the socket removes it and goes on to main. Init functions
// of packages that come before this one do run in the child, as in every process of the program.
//
// The child loads the candidate, runs its constructors, asks for its API, applies the guard, and ticks it: on a copy of a
// few live shards; on new ones that its migrate has filled from such copies, where the state is to come to it that way;
// or on fresh ones. Each lies between bytes that are checked afterwards. The child is a process group of its own without
// core files, its processor time and its wall-clock time are limited, its output is captured and bounded, and it dies
// with its parent. Faults are caught (native.Contain) and reported with their place. Success is an explicit answer on the
// socket and nothing else: a library that ends the process with exit(0) has failed.
//
// A spare child waits, started and warmed up, so that a trial costs about a millisecond and not the five of a new
// process. It is replaced after each trial, off the critical path.
//
// # What it cannot see
//
// A fault at a tick beyond the last one tried, a race between shards, damage that nobody notices. The copy of live
// shards is taken while they are being ticked, unless the caller passes a snapshot, so it may be torn: half of a tick's
// writes. A state that holds addresses means nothing to another process: when its layout says so, the trial stops after
// the guard; when nothing is known of its layout and ticks on the copy fault, ticks on a fresh state decide. A process
// that the library forks and that leaves the group and the session is ended if the child lives to see it, not otherwise.
//
// # Parts
//
//   - Runner, Config, Candidate, Report, Verdict: what the engine uses; judge, picture: from an end to a verdict, from
//     live state to a copy
//   - child, transcript, ledger, request, answer: a child process as its parent sees it, and what the two say
//   - invite, serve, rehearsal, space, effects, threads, children, locale: the child
//   - place, crash: from a fault to a function and a line
package trial
