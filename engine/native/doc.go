// Package native loads libraries, calls their functions and unloads them, without cgo.
//
// Problem. A Go program can open a library with purego, but the general call costs hundreds of nanoseconds and an
// allocation, its error texts get lost between threads, and dlclose reports success whether or not the library has gone.
//
// Mechanism. A Thread is a locked operating-system thread with a call record. One crossing through runtime.cgocall
// enters a few lines of assembly that obey the C ABI and call a function for a whole batch of states. The record lives
// outside any stack, says which state is in progress, and is where a fault of the called code will be reported. All dl*
// calls hold their thread, and Close looks into /proc/self/maps afterwards.
//
// Parts. library.go opens, prefaults and closes; image.go knows what belongs to a library's mapping; thread.go calls;
// enter_*.s crosses.
package native
