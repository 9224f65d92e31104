// Package pause measures what a swap does to the ticks that run while it happens, for several ways to swap, side by side.
//
// Problem. "Without stopping" is a claim about the worst tick, not the average one, and about ticks near a swap, not all
// ticks. A load generator that waits for a slow tick before it plans the next one does not even see most of the delay
// (coordinated omission); and a busy machine delays ticks with no swap in sight.
//
// Mechanism. Every tick has an intended start, fixed when the run begins and never moved: a tick that had to wait behind
// a late one is late itself. Ticks back to back have no schedule; there the distance between the ends of two ticks counts.
// Each worker keeps apart what falls into a window around a swap and what does not, and the worst tick of each window.
// Control runs open the same windows and swap nothing: what they show is the machine. Windows in which a worker had to
// wait for a processor, as the kernel counts it, are left out of a second figure. Cells, one per strategy and load, take
// turns in rounds, in an order that changes.
//
// Parts. meter.go is what a worker records, window.go when, runqueue.go its waits for a processor, cell.go one run of one
// cell, plan.go which cells there are, measure.go the rounds, result.go the outcome.
package pause
