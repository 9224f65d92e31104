package live

import (
	"flag"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the golden frames anew")

func TestMain(m *testing.M) {
	time.Local = time.UTC // frames show the time of day
	flag.Parse()
	goleak.VerifyTestMain(m)
}
