package trial

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// variable is the environment variable that invites a process to be a trial's child. Its value is the inode of the
// socket that the process has inherited as controlDescriptor. No two sockets of a system have the same inode at one
// time, so the variable means nothing to a process that has it by accident: from a shell, or from a child.
const variable = "HOTRELOAD_TRIAL_CHILD"

// init is where a child begins, and ends: no main function of the program runs in it.
func init() {
	value, set := os.LookupEnv(variable)
	if !set {
		return
	}
	_ = os.Unsetenv(variable) // it is meant for this process alone
	if invited(value) {
		unix.Exit(serve())
	}
}

// invited tells whether the value names the socket that this process has inherited.
func invited(value string) bool {
	var st unix.Stat_t
	if err := unix.Fstat(controlDescriptor, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return false
	}
	return value == strconv.FormatUint(st.Ino, 10)
}

// invitationTo returns the value that names a socket.
func invitationTo(socket uintptr) (string, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(socket), &st); err != nil {
		return "", fmt.Errorf("identify the child's socket: %w", err)
	}
	return strconv.FormatUint(st.Ino, 10), nil
}
