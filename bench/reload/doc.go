// Package reload measures how long a save takes to reach the running simulation, with a real compiler and the engine's
// default settings.
//
// Problem. Most of that time is the compiler's, and a host can only waste time beside it: in noticing the save, in
// waiting for the sources to be quiet, in checking, loading and publishing.
//
// Mechanism. A real Engine watches the sample plugin, which is edited again and again. Before each save the build command
// alone is timed on the same source, so that both meet the same machine. What the engine adds is the time from the save
// to the publication less the longer of the two things that nobody can do without: the build and the debounce, which run
// side by side.
//
// Parts. measure.go is the run, edit.go the edits.
package reload
