// Package wear measures what swaps leave behind in the process: memory, descriptors, mappings, threads.
//
// Problem. What each of many swaps leaks is nothing a single swap shows; and memory that is not needed any more is not
// given back at once, so a single reading shows nothing either.
//
// Mechanism. An Engine with default settings, but a short probation, is pushed one library after the other, each of other
// bytes. At intervals everything is left to settle: no predecessor is open any more, garbage is collected and given back.
// Then the kernel's books are read.
//
// Parts. measure.go is the run, books.go the readings.
package wear
