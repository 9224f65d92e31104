// Package call measures what it costs to call a plugin's tick, by every way there is, in one run.
//
// Problem. A nanosecond measured on a shared machine means little: the next run of the same program may take twice as
// long. What can be compared is what was measured side by side.
//
// Mechanism. All ways call the same function of the same library on the same memory, in rounds of short turns, each way
// once a round. A ratio is taken round by round, so that both of its sides met the same machine; the median and the
// quartiles of those ratios are the result. Costs are processor time: what others take away does not count. The engine
// is measured as users run it: a real Engine with one worker that runs freely, seen through Status; its cost includes
// everything that it does for each tick.
//
// Parts. measure.go is the run, direct.go the ways that call on the spot, engine.go the engine.
package call
