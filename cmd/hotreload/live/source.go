package live

import (
	"context"

	"hotreload/engine/control"
)

// Source is a connection to a host; *control.Client is one. Its methods may be called concurrently.
type Source interface {
	Status(ctx context.Context) (control.Status, error)
	Workers(ctx context.Context) (control.Workers, error)
	State(ctx context.Context, first, count int) (control.State, error)
	// Follow calls happened for each event that is kept and for each that comes; missed, for those that are not kept.
	Follow(ctx context.Context, happened func(control.Event) error, missed func(control.Gap) error) error
	Reload(ctx context.Context) (control.Verdict, error)
	Rollback(ctx context.Context, generation uint64) (control.Verdict, error)
	Pause(ctx context.Context) (control.Status, error)
	Resume(ctx context.Context) (control.Status, error)
	Close()
}
