package epoch_test

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stressTime is how long the stress tests of this package take together.
func stressTime(t *testing.T) time.Duration {
	s := os.Getenv("HOTRELOAD_STRESS")
	if s == "" {
		return 2 * time.Second
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatalf("HOTRELOAD_STRESS: %v", err)
	}
	return d
}
