package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newSnapshot returns the command that takes the state of a host out of it, and back.
func newSnapshot(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Save the state of a running host to a file, or restore it from one",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return errors.New("snapshot: expected save or restore") },
	}
	cmd.AddCommand(newSnapshotSave(t), newSnapshotRestore(t))
	return cmd
}

func newSnapshotSave(t *terminal) *cobra.Command {
	return newTransfer(t, &cobra.Command{
		Use:   "save FILE",
		Short: "Save the state of all shards of a running host, at one tick, to a file",
		Long: "Saves the state of all shards of a running host, at one tick. The workers copy it as they pass, and do not wait for\n" +
			"the disk. FILE appears, or is replaced, when all of it has come and been checked.",
	}, func(ctx context.Context, client *control.Client, path string) (any, string, error) {
		tick, size, err := save(ctx, client, path)
		return saved{path, tick, size}, fmt.Sprintf("saved tick %d to %s, %d bytes\n", tick, path, size), err
	})
}

func newSnapshotRestore(t *terminal) *cobra.Command {
	return newTransfer(t, &cobra.Command{
		Use:   "restore FILE",
		Short: "Replace the state of all shards of a running host, at one tick, by that in a file",
		Long: "Replaces the state of all shards of a running host, at one tick, by a snapshot. It is checked to its last byte\n" +
			"before anything changes, and must be of a state with as many shards and the same layout. The code meets it as after\n" +
			"a reload, and the count of ticks goes on.",
	}, func(ctx context.Context, client *control.Client, path string) (any, string, error) {
		done, err := t.restore(ctx, client, path)
		return done, fmt.Sprintf("restored tick %d from %s, at tick %d\n", done.From, path, done.Tick), err
	})
}

// newTransfer completes a command that moves a file between here and a host, and says what became of it.
func newTransfer(t *terminal, cmd *cobra.Command, move func(context.Context, *control.Client, string) (any, string, error)) *cobra.Command {
	var c connection
	cmd.Args = oneFile
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return t.talk(&c, func(client *control.Client) error {
			result, text, err := move(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			if c.format == "json" {
				return t.printJSON(result)
			}
			return t.say("%s", text)
		})
	}
	t.addConnection(cmd, &c)
	return cmd
}

// oneFile demands the name of one file.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] != "" {
		return nil
	}
	return fmt.Errorf("%s: expected one file, got %d", cmd.CommandPath(), len(args))
}

// saved is what became of a save.
type saved struct {
	File string `json:"file"`
	Tick uint64 `json:"tick"`
	Size int64  `json:"size"`
}

// save writes a snapshot beside path, and gives it that name when it is whole and on the disk. On an error nothing is left.
func save(ctx context.Context, client *control.Client, path string) (tick uint64, size int64, err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return 0, 0, fmt.Errorf("snapshot: %w", err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if tick, err = client.Snapshot(ctx, file); err != nil {
		return 0, 0, err
	}
	info, err := file.Stat()
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("snapshot: %w", err)
	}
	return tick, info.Size(), nil
}

func (t *terminal) restore(ctx context.Context, client *control.Client, path string) (control.Restored, error) {
	file, err := os.Open(path)
	if err != nil {
		return control.Restored{}, fmt.Errorf("snapshot: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return control.Restored{}, fmt.Errorf("snapshot: %w", err)
	}
	bar := t.newProgress(file, info.Size())
	defer bar.done()
	return client.Restore(ctx, bar, info.Size())
}
