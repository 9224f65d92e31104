package workers

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what must happen at once on an idle machine; running into it is a failure.
const patience = time.Minute

// stressTime is how long a stress test takes.
func stressTime(t *testing.T) time.Duration {
	s := os.Getenv("HOTRELOAD_STRESS")
	if s == "" {
		return time.Second
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatalf("HOTRELOAD_STRESS: %v", err)
	}
	return d
}
