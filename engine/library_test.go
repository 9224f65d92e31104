package engine_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const logicDir = "../logic"

// library is the bytes of a built plugin, or what pretends to be one.
type library []byte

// compiled holds each library that a test has asked for, built once by the real compiler.
var compiled sync.Map // string -> func() (library, error)

// compile builds a plugin of testdata or logic/ with the given additional arguments.
func compile(t *testing.T, source string, args ...string) library {
	t.Helper()
	build := func() (library, error) {
		dir, err := os.MkdirTemp("", "hotreload-test-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		out := filepath.Join(dir, "out.so")
		command := exec.Command("cc", append([]string{"-O2", "-shared", "-fPIC", "-I" + logicDir, "-o", out, source}, args...)...)
		if output, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v: %w\n%s", command, err, output)
		}
		return os.ReadFile(out)
	}
	once, _ := compiled.LoadOrStore(source+" "+strings.Join(args, " "), sync.OnceValues(build))
	l, err := once.(func() (library, error))()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// probe is testdata/probe.c built with the given switches.
func probe(t *testing.T, switches ...string) library {
	t.Helper()
	return compile(t, "testdata/probe.c", switches...)
}

// stamped returns the library with other bytes and the same meaning.
func (l library) stamped(stamp string) library { return l.overwritten("@stamp@", stamp, 16) }

// dumpingTo returns the library with the path to which its shutdown appends the state, if it knows how to.
func (l library) dumpingTo(path string) library { return l.overwritten("@dump@", dumpIn(path), 512) }

// dumpIn is what dump holds in testdata: the process in which to write, for there are trials in others, and the file.
func dumpIn(path string) string { return fmt.Sprintf("%d:%s", os.Getpid(), path) }

// overwritten puts text, padded with NULs to size bytes, in the place of what begins with mark; without such a place it
// returns the library as it is.
func (l library) overwritten(mark, text string, size int) library {
	at := bytes.Index(l, []byte(mark+"\x00"))
	if at < 0 {
		return l
	}
	if len(text) >= size {
		panic(fmt.Sprintf("%q is longer than the %d bytes that testdata has for it", text, size-1))
	}
	l = bytes.Clone(l)
	clear(l[at : at+size])
	copy(l[at:], text)
	return l
}

// hash returns the library's SHA-256 as Generation.Hash shows it.
func hash(l library) string { return fmt.Sprintf("%x", sha256.Sum256(l)) }
