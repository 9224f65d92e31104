package live

import (
	"os"
	"os/exec"
	"strings"
)

// vigil waits for a line; if the process that should send it ends without, it gives the terminal back: its modes, its main
// screen, the cursor, and the keyboard as it was. Signals are for the process that it watches over.
const vigil = `trap '' INT TERM HUP TTOU
read word || { stty "$1"; printf '\033[?2026l\033[<1u\033[>4m\033[?1049l\033[?25h\033[?2004l\033[0m'; } <&3 >&4 2>/dev/null`

// guard has a shell watch over the terminal, because a host may end without a word: by a panic outside of the view, an
// exit in a plugin, or a signal that nothing catches. The caller must call dismiss when the terminal is as it was before.
// Without a shell or stty there is no guard.
func guard(in, out *os.File) (dismiss func()) {
	save := exec.Command("stty", "-g")
	save.Stdin = in
	modes, err := save.Output()
	if err != nil {
		return func() {}
	}
	shell := exec.Command("/bin/sh", "-c", vigil, "sh", strings.TrimSpace(string(modes)))
	shell.ExtraFiles = []*os.File{in, out}
	line, err := shell.StdinPipe()
	if err != nil {
		return func() {}
	}
	if shell.Start() != nil {
		_ = line.Close()
		return func() {}
	}
	return func() {
		_, _ = line.Write([]byte("done\n")) // if the shell has ended, nobody has to be told
		_ = line.Close()
		_ = shell.Wait()
	}
}
