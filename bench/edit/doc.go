// Package edit measures how long it takes from the save of a plugin's source until its new code has run, by hotreload and
// by what else people use, which restart their host or swap in its thread.
//
// Problem. A tool that restarts a host is compared with one that does not only if both watch, build and run the same
// plugin, and if the same thing ends the wait: the new code has run.
//
// Mechanism. The plugin's tick writes the number of its build into a file when it runs for the first time. Each way gets a
// directory of its own with the same source and watches it as it is used to; in rounds, each way in turn has its source
// saved and the time taken until the file says so. Whether the state was kept the plugin tells too: it counts its ticks.
//
// Parts. measure.go is the rounds, way.go what runs in them, source/ the plugin.
package edit
