package watch

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestRemoteFileSystemIsPolled(t *testing.T) {
	w, f, logs, a, _ := watched(t, nil)
	if err := f.Close(); err != nil { // not to be opened
		t.Fatal(err)
	}
	var info unix.Statfs_t
	if err := unix.Statfs(a, &info); err != nil {
		t.Fatal(err)
	}
	magic := uint32(info.Type)
	remoteFileSystems[magic] = "pretended"
	t.Cleanup(func() { delete(remoteFileSystems, magic) }) // after the watcher has ended, which start registers later
	start(t, w)
	write(t, a, "2")
	waitFor(t, w, a)
	if w.Mode() != Poll || logs.Len() != 1 {
		t.Errorf("mode is %s with warnings %v; want poll and one", w.Mode(), logs.All())
	}
}
