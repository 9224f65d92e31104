// Package watch turns changes of source files into settled batches.
//
// # Problem
//
// Editors do not change files, they perform rituals: write a temporary file and rename it over the old one, move the old
// one away and create a new one, truncate and write, touch a file nobody changed. A version control system rewrites 500
// files in 30 ms. Directories are removed and come back, links are switched, the kernel's event queue overflows, and on
// some mounts there are no events at all. A tool that builds on every event builds too often, on files that are half
// written; a tool that waits for quiet before it builds puts the wait on every save.
//
// # Mechanism
//
// Content decides. Every event is only a reason to look: the file's SHA-256 is compared with the one known before, so
// touch, chmod and an identical rewrite are no change. Changes form a burst, which ends after a short quiet time
// ([Config.Debounce]) or a maximum duration ([Config.MaxWait]). The consumer is told twice: by an unsettled [Batch] as
// soon as content differs, so that it can start to build at once, and by a settled one when the burst has ended, so that
// it knows that what it built is what the user saved. A file that is gone or empty is most often one in the middle of
// being saved; it counts only once the burst has settled.
//
// A batch is computed at the moment the consumer takes it, never queued: a slow consumer finds the difference between
// what it was last told and what the disk holds now.
//
// # Parts
//
//	tracker    what was known, what is there now, when a burst has settled: pure, without clock and without disk
//	disk       looks at files: stat first, then the hash
//	scope      what is watched and what is ignored: explicit files, recursive directories, editor and build noise
//	session    the loop that joins them over one source
//	source     says where to look: inotify over physical directories (see trail) or polling
package watch
