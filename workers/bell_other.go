//go:build !linux

package workers

import (
	"sync/atomic"
	"time"
)

// canDoze is false: all waits end with Go's timers.
const canDoze = false

func futexWait(*atomic.Uint32, uint32, time.Duration) {}

func futexWake(*atomic.Uint32) {}

func yieldThread() {}

func sharpen() {}

func hasten() {}
