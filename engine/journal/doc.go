// Package journal writes down the history of a run, and reads it.
//
// # Problem
//
// Same seed, same code at the same ticks: the same bytes. To repeat a run one must know which code ran from which tick
// on, and still have that code, also when the host was killed half-way.
//
// # Mechanism
//
// A journal is a file of JSON lines. The first line of a run is its header: what the state began with. Then comes an
// entry for each publication, for each fault, and for each range of shards that left faulty code before the publication
// that replaced it; at the end, the last tick and the hash of the state. Each line is appended by one write, after what
// it tells of has happened. So whenever the host ends, the file holds whole lines, and at most one that is cut. A file
// may hold several runs, one after the other.
//
// Libraries are kept in a directory beside the file, each under the SHA-256 of its bytes, before the line that names
// it. The directory grows by one file for each different library that has run; nothing in it is ever removed.
//
// # Parts
//
//	Header, Entry   the lines (entry.go)
//	Writer          appends to a file (writer.go)
//	Read            reads and checks one (read.go)
//	Artifacts       the directory (artifacts.go)
package journal
