package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// signatureSuffix is what the name of a signature's file adds to that of its artifact.
const signatureSuffix = ".sig"

// newPush returns the command that sends a library to a host.
func newPush(t *terminal) *cobra.Command {
	var (
		c        connection
		expected uint64
	)
	cmd := &cobra.Command{
		Use:   "push FILE.so",
		Short: "Send a library to a running host, and wait for the verdict",
		Long: "Sends a library to a running host, which takes it through inspection, trial and guard like one it has built,\n" +
			"and waits for the verdict. A signature in FILE.so.sig goes with it.\n" + exitCodesOfVerdicts,
		Args: oneLibrary,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.talk(&c, func(client *control.Client) error {
				v, err := t.push(cmd.Context(), client, args[0], expected)
				if err != nil {
					return err
				}
				return t.verdict(&c, v)
			})
		},
		ValidArgsFunction: completeLibrary,
	}
	cmd.Flags().Uint64Var(&expected, "if-generation", 0, "only if generation `N` runs")
	t.addConnection(cmd, &c)
	must(cmd.RegisterFlagCompletionFunc("if-generation", cobra.NoFileCompletions))
	return cmd
}

func (t *terminal) push(ctx context.Context, client *control.Client, path string, expected uint64) (v control.Verdict, err error) {
	file, err := os.Open(path)
	if err != nil {
		return v, fmt.Errorf("push: %w", err)
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err != nil {
		return v, fmt.Errorf("push: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return v, fmt.Errorf("push: %w", err)
	}
	signature, err := os.ReadFile(path + signatureSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return v, fmt.Errorf("push: %w", err)
	}
	bar := t.newProgress(file, size)
	defer bar.done()
	return client.Push(ctx, control.Shipment{
		Name: filepath.Base(path), Size: size, Hash: hex.EncodeToString(sum.Sum(nil)), Body: bar, If: expected,
		Signature: strings.TrimSpace(string(signature)),
	})
}

// progress shows on a terminal how much of a file has been read; elsewhere, and for a small file, it shows nothing.
type progress struct {
	io.Reader
	to         io.Writer // nil: nowhere
	read, size int64
	percent    int64 // shown last
}

// slowSize is the size above which an upload may take long enough to be watched.
const slowSize = 1 << 20

func (t *terminal) newProgress(r io.Reader, size int64) *progress {
	p := &progress{Reader: r, size: size, percent: -1}
	if size >= slowSize && isTerminal(t.stderr) {
		p.to = t.stderr
	}
	return p
}

// Read implements io.Reader.
func (p *progress) Read(buffer []byte) (int, error) {
	n, err := p.Reader.Read(buffer)
	p.read += int64(n)
	if percent := 100 * p.read / max(p.size, 1); p.to != nil && percent != p.percent {
		const width = 40
		full := int(width * percent / 100)
		p.percent = percent
		_, _ = fmt.Fprintf(p.to, "\r[%s%s] %3d%%", strings.Repeat("=", full), strings.Repeat(" ", width-full), percent)
	}
	return n, err
}

// done clears the line.
func (p *progress) done() {
	if p.to != nil && p.percent >= 0 {
		_, _ = fmt.Fprint(p.to, "\r\x1b[K")
	}
}
