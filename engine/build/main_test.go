package build

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// hostVariable makes the test binary act as a host that is to be killed in the middle of a build.
const hostVariable = "HOTRELOAD_TEST_BUILD_HOST"

func TestMain(m *testing.M) {
	if command := os.Getenv(hostVariable); command != "" {
		b, err := New(Config{Command: command, Library: "none.so"})
		if err != nil {
			panic(err)
		}
		_, _ = b.Build(context.Background())
		return
	}
	goleak.VerifyTestMain(m)
}
