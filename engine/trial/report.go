package trial

import "time"

// Report is what a trial that did not fail has found.
type Report struct {
	// Ticks is how many ticks each of Shards shards was given; 0 when the trial stopped after the guard.
	Ticks, Shards int
	// Fresh says that the shards were new ones and not copies of live ones.
	Fresh bool
	// Warnings are what the candidate does to its process.
	Warnings []Warning
	// Took is the time that the trial took, and Warm says that a spare child was ready for it.
	Took time.Duration
	Warm bool
}

// Warning is one thing that a candidate did in the trial and that its author should know.
type Warning struct {
	// Code names the kind of thing and stays the same from version to version.
	Code string
	// Text says what was seen, and what may come of it.
	Text string
}

// The codes of warnings.
const (
	WarnThreads     = "threads"           // threads are left running
	WarnDescriptors = "descriptors"       // descriptors are left open
	WarnSignals     = "signals"           // signal handlers were replaced
	WarnDirectory   = "working-directory" // it was changed
	WarnUmask       = "umask"             // it was changed
	WarnLocale      = "locale"            // it was changed
	WarnProcesses   = "processes"         // child processes are left
	WarnAddresses   = "addresses"         // the state holds or may hold addresses, so the trial is limited
	WarnContainment = "containment"       // faults cannot be located on this machine
)
