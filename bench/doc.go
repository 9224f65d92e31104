// Package bench measures hotreload against what else one could do, on the machine at hand, and tells whether it has got
// worse.
//
// Problem. Times of one machine say nothing about another, and on a shared one nothing about the next minute. Ratios of
// things measured side by side do.
//
// Mechanism. Three benchmarks run one after the other: call, what a tick costs; reload, how long a save takes; pause, what
// a swap does to ticks. Their results make one report, with what it was measured on, as a table and as JSON. A committed
// baseline holds bounds for ratios taken from the report, never for times.
//
// Parts. report.go is the run, machine.go what it ran on, table.go the table, ratios.go and baseline.go the check; each
// benchmark is a package below, and the command is bench/run.
package bench
