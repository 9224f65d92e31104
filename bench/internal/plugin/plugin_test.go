package plugin

import (
	"bytes"
	"os"
	"testing"
)

func TestLibrariesDifferInNothingButTheirStamp(t *testing.T) {
	dir := t.TempDir()
	template, err := Compile(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := template.StampAll(dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	var images [2][]byte
	for i, path := range paths {
		if images[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Equal(images[0], images[1]) {
		t.Error("two libraries are the same")
	}
	for i := range images {
		copy(images[i][template.at:template.at+8], "the same")
	}
	if !bytes.Equal(images[0], images[1]) {
		t.Error("two libraries differ in more than their stamp")
	}
}

func TestStateOfRefusesTooFewBytes(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("expected a panic")
		}
	}()
	StateOf(make([]byte, StateSize-1))
}
