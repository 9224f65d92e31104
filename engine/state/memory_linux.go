package state

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// anonymousFile creates a file of the given length that lives in memory and has no name. Its length is sealed: a child
// that inherits it cannot truncate it under the workers, whose next access would then be a bus error.
func anonymousFile(length int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("hotreload-state", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("create the memory file: %w", err)
	}
	file := os.NewFile(uintptr(fd), "hotreload-state")
	if err := unix.Ftruncate(fd, length); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("size the memory file: %w", err)
	}
	const seals = unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("seal the memory file: %w", err)
	}
	return file, nil
}
