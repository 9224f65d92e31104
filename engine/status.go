package engine

// Status is a picture of an engine at one moment.
type Status struct {
	Running     bool
	Generation  Generation   // the newest published; the zero Generation before the first
	Generations []Generation // published and not yet reclaimed, oldest first, the running one last
	Ticks       uint64       // ticks completed by the slowest worker
	Shards      int
	Workers     int
	Paused      bool   // see Engine.Pause
	Pin         bool   // the running generation is kept: see Engine.Pin
	Swaps       uint64 // publications after the first
	Rejections  uint64
	Faults      uint64            // of plugin code, one for each generation that faulted
	Quarantined int               // shards that are not ticked, because their code faulted, until other code comes
	Loaded      uint64            // libraries opened
	Reclaimed   uint64            // libraries closed and verified to be unmapped
	Pinned      uint64            // libraries closed that stay mapped
	PinnedBy    map[string]uint64 // the same by reason: findings of the inspection, or "poisoned"; not to be changed
	Watch       string            // watch mode in use: inotify or poll
	Outcome     error             // of the last reload: nil, ErrUnchanged or a *StageError
}
