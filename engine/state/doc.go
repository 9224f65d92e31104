// Package state holds what a plugin works on: the memory of its shards, what is known of the layout of one shard, and
// what follows from that knowledge.
//
// # Problem
//
// Code comes and goes with every reload, the state stays. So the host owns the memory, and it must know whether the code
// that arrives means the same by those bytes as the code that leaves. Equal size does not tell: two swapped fields, or an
// int that became a float, have the size they always had.
//
// # Mechanism
//
// An [Arena] is one shared mapping outside the Go heap with all shards in it; its address never changes, and a child
// process can map the same memory copy-on-write. A [Layout] lists the fields of one shard. It comes, best first, from
// the table a plugin exports ([FromTable]), from the debug information of its library ([FromDWARF]), from its source
// text, for display only ([FromDeclaration]), or is nothing but a size ([SizeOnly]). Layouts are compared by a hash over
// names, kinds and offsets; type names do not enter it, since renaming a type leaves the memory as it is.
//
// # Parts
//
//   - arena.go, memory_linux.go, memory_other.go: the mapping and the file behind it
//   - file.go, filemake.go, undolog.go: a file that outlives its process, and how far each shard in it has come
//   - header.go, layoutcode.go, snapshot.go: what stands in such a file, and in a copy of all shards at one tick
//   - kind.go, layout.go, report.go: kinds, fields, layouts, the printed table
//   - table.go: layouts from a plugin's field table
//   - dwarf.go, dwarfscan.go, dwarftype.go, dwarfscalar.go, dwarfmember.go, dwarfflat.go: layouts from debug information
//   - declaration.go, ctoken.go: layouts from a plain C declaration
//   - bits.go, value.go, selection.go, line.go: reading a shard and showing it
//   - diff.go, rename.go: what differs between two layouts, whether they mean the same, and under which names
//   - plan.go, apply.go: converting a shard from one layout to another by name
//
// Layouts, fields and conversions are immutable once built and may be shared between goroutines. The bytes of a shard
// belong to the worker that ticks it; every function here that takes them expects the caller to hold that right.
package state
