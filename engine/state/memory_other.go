//go:build !linux

package state

import (
	"fmt"
	"os"
)

// anonymousFile creates a file of the given length and removes its name at once: the nearest there is to memory without
// one. Nothing seals its length here, so a child that inherits it must not truncate it.
func anonymousFile(length int64) (*os.File, error) {
	file, err := os.CreateTemp("", "hotreload-state-*")
	if err != nil {
		return nil, fmt.Errorf("create the memory file: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("remove the memory file's name: %w", err)
	}
	if err := file.Truncate(length); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("size the memory file: %w", err)
	}
	return file, nil
}
