package trial

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// helperVariable makes the test binary something else than a test: "main" says that it has come so far; a path is a
// library for a host that is about to die.
const helperVariable = "HOTRELOAD_TRIAL_TEST_HELPER"

func helper() int {
	lib := os.Getenv(helperVariable)
	if lib == "main" {
		_, set := os.LookupEnv(variable)
		fmt.Println("main", set)
		return 0
	}
	if err := host(lib); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// host has a spare child waiting and another one hanging in lib, prints their numbers, and waits to be killed.
func host(lib string) error {
	waiting, err := New(Config{})
	if err != nil {
		return err
	}
	busy, err := New(Config{Timeout: time.Hour})
	if err != nil {
		return err
	}
	for len(waiting.spare) == 0 || len(busy.spare) == 0 {
		time.Sleep(time.Millisecond)
	}
	a, b := <-waiting.spare, <-busy.spare
	busy.spare <- b
	var group errgroup.Group
	group.Go(func() error {
		_, err := busy.Try(context.Background(), Candidate{Path: lib})
		return err
	})
	for stage := Stage(""); stage != StageConstructor; stage, _, _ = b.ledger.read() {
		time.Sleep(time.Millisecond)
	}
	fmt.Println(a.group, b.group)
	return group.Wait()
}

func TestAKilledHostLeavesNoChild(t *testing.T) {
	lib := hostile(t, "ctor_hang.c")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+lib)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pids [2]int
	if _, err := fmt.Sscan(line, &pids[0], &pids[1]); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if !running(pid) {
			t.Errorf("child %d does not run", pid)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // killed
	eventually(t, "the end of the children", func() bool { return !running(pids[0]) && !running(pids[1]) })
}

// running tells whether a process can still do anything; a zombie cannot.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest != "" && rest[0] != 'Z' && rest[0] != 'X'
}

func TestNoProgramBecomesAChildByAccident(t *testing.T) {
	socket, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = socket.Close(), other.Close() }()
	for _, value := range []string{"", "1", "12345"} {
		for _, files := range [][]*os.File{nil, {socket}} {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), helperVariable+"=main", variable+"="+value)
			cmd.ExtraFiles = files
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != "main false\n" {
				t.Errorf("%s=%q, %d files: %v, %q: want main to run without the variable", variable, value, len(files), err, out)
			}
		}
	}
}
