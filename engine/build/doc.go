// Package build runs the user's build command and says what came of it.
//
// # Problem
//
// A build command is a shell string the host knows nothing about. It may fail, hang, print a gigabyte, leave processes
// behind, or say that all is well and leave no library. It competes with the workers for the processors, and it must
// not outlive the host or its own cancellation: two builds which write the same library at once produce a file that
// neither of them meant.
//
// # Mechanism
//
// The command runs through /bin/sh in a process group of its own, at a lower priority than the workers. A build ends
// when its shell ends or when it is stopped; either way the rest of the group is killed, and Build returns only when
// nothing of it runs any more. The host holds one end of a pipe, the leash, whose other end every process of the build
// inherits: should the host be killed, the kernel kills the group.
//
// Output is read as it comes: a bounded transcript keeps its beginning and its end, and a finder looks at every line
// for the diagnostic worth showing, so that the first error is found even when it lies in the part left out.
//
// GCC writes make-style dependencies to the file named in DEPENDENCIES_OUTPUT without any change of the command; other
// compilers write one on request (Config.Depfile). Both become Result.Dependencies: what else to watch.
//
// # Parts
//
//   - Builder, Config, Result, Failure: the interface
//   - process and leash: one process group from start to reaping
//   - transcript, finder and Diagnostic: what the command printed
//   - depfile and dependencies: what the library is made from
//   - shell and library: where the command leaves the library
package build
