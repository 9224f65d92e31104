// Package engine runs a native plugin and replaces its code while it runs, without losing a byte of its state.
//
// # Problem
//
// Code in a shared library can be exchanged; four things stand in the way. State that lives in the library goes with it.
// A library that is unmapped while a thread is inside it takes the process along. A library that was built from half a
// file, for another layout of the state, or with a crash in it, takes the process along as well. And the loader hands
// back the old library when the new one has the same name, and says that a library is closed when it is not.
//
// # Mechanism
//
// The host owns the state, in memory that never moves; a plugin is functions over it (logic.h). Workers call them tick by
// tick and take the code for each tick from what was published last. A change goes through a pipeline of stages, each of
// which either hands on one immutable value or refuses the change as one typed error with its stage, a [StageError].
// Until a new library is published nothing has happened to the one that runs; after that nothing of the old one is
// closed before the last worker has passed the tick from which the new one is active. So a refusal costs nothing, at any
// stage, and a swap stops nobody.
//
// The way of a change, from the save of a file to a line in the log:
//
//	save     an editor writes a source, somehow
//	watch    events become a burst, a burst becomes a set of files whose content differs       engine/watch
//	build    the user's command runs as soon as the first file differs, and again when more
//	         do: the newest wins. Its verdict counts once the sources are quiet                engine/build
//	inspect  the library is copied, hashed and looked at, before anything maps it: from here
//	         on it is an artifact, whatever becomes of the file. The same bytes: unchanged     engine/artifact
//	trial    a child process loads it first, where it can do no harm                           engine/trial
//	load     a private copy is opened, under a path that the loader has never seen             engine/native
//	guard    its API is read as bytes and checked: version, size and layout of the state, and
//	         whether each function lies in the library's own code                              engine/abi, engine/state
//	publish  it becomes a generation: from one tick on, the same for all shards, it runs       workers, epoch
//	migrate  with another layout, all shards change over at that tick, or none does            engine/state
//	grace    until every worker has completed enough ticks on it, the old one stays open
//	reclaim  the old library is closed, and looked for in the process's memory: reclaimed, or
//	         pinned and why                                                                    engine/native
//	log      what happened, as entries, as events and in the status
//
// A fault of plugin code (a signal, or a call that does not return) ends in the worker that made the call. The shard gets
// back its bytes from before the tick, the tick is run again by the code that ran before, and the pipeline publishes
// that code again as a new generation. The artifact that faulted is not tried again.
//
// # Parts
//
//	Engine       New, Run, and what may be called while it runs: Reload, Push, Rollback, State, Status, Events
//	Config       what to run and how; New completes and checks it
//	pipeline     one goroutine that owns the change under way: the state machine of the stages above
//	stages       inspect, load and guard, one function each; publish, reclaim and rollback have a file of their own
//	hand, crew   what a worker knows of libraries: one tick over its shards, the hooks around a change; in files of their
//	             own the life of a shard, and what comes after a fault
//	migration    how all shards come to memory of another layout, and back; ground is what they lie on, carry the part
//	             of a worker
//	watchdog     names and ends calls that take too long
//	record       the journal of the run; Replay and play run it again
//	picture      the [state] line, copied by the workers themselves as they pass
//	statefile    the state that outlives the process; snapshot copies it at one tick, and puts it back
//	report       all that is said: log entries, events and the status, each outcome in one place
//
// Every goroutine belongs to Run and has ended when it returns. Several engines may run in one process.
package engine
