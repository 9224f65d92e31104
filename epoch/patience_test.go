//go:build !epochmutant

package epoch_test

import "time"

// patience bounds what must happen at once on an idle machine, wakeUpPatience a single wake-up; running into them is a
// failure.
const (
	patience       = time.Minute
	wakeUpPatience = 20 * time.Second
)
