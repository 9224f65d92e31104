package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The read side is what it costs because the compiler inlines it, dictionaries of generic calls included. Its budget is
// tight: this notices a change that goes beyond it.
func TestBeginAndEndAreInlined(t *testing.T) {
	out, err := exec.Command("go", "build", "-gcflags=-m", "-o", "/dev/null", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, method := range []string{"Begin", "End"} {
		found := false
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "inlining call to epoch.(*Participant[") && strings.HasSuffix(strings.TrimSpace(line), "."+method) {
				found = true
			}
		}
		if !found {
			t.Errorf("Participant.%s is not inlined", method)
		}
	}
}
