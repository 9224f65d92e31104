package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotreload/engine/control"

	"github.com/spf13/cobra"
)

// newPKI returns the commands that make certificates.
func newPKI(t *terminal) *cobra.Command {
	pki := &cobra.Command{Use: "pki", Short: "Make certificates for hosts that are reached over the network", Args: noArguments, RunE: help}
	var (
		hosts []string
		valid = duration(365 * 24 * time.Hour)
	)
	initialise := &cobra.Command{
		Use:   "init DIRECTORY",
		Short: "Make an authority and certificates for a host and its clients",
		Long: "Makes a new directory with a certificate authority and, below it, one directory for each end of a connection:\n" +
			"server for the host's --tls, and read, operate and deploy for the --tls of clients with that role. Copy each to\n" +
			"where it is used. Who has a deploy directory can run code on the host; keep ca.key off it.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("init: expected the directory to make, got nothing")
			}
			return noArguments(cmd, args[1:])
		},
		RunE: func(_ *cobra.Command, args []string) error {
			for _, host := range hosts {
				if net.ParseIP(host) == nil && (host == "" || strings.ContainsAny(host, ":/ ")) {
					return fmt.Errorf("--host: expected a name or an address without a port, got %q", host)
				}
			}
			const years = 5
			err := control.PKI{Dir: args[0], Hosts: hosts, Valid: time.Duration(valid), CA: max(time.Duration(valid), years*365*24*time.Hour)}.Init()
			if err != nil {
				return t.fail(&connection{}, err)
			}
			return t.say("made %s: server for the host, and read, operate and deploy for clients\n", args[0])
		},
	}
	initialise.Flags().StringArrayVar(&hosts, "host", []string{"localhost", "127.0.0.1", "::1"}, "`NAME` or address of the host; repeatable")
	initialise.Flags().Var(&valid, "valid-for", "`TIME` after which the certificates of host and clients expire")
	for _, flag := range []string{"host", "valid-for"} {
		must(initialise.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions))
	}
	pki.AddCommand(initialise)
	return pki
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// newKey returns the commands that make keys.
func newKey(t *terminal) *cobra.Command {
	key := &cobra.Command{Use: "key", Short: "Make keys to sign libraries with", Args: noArguments, RunE: help}
	key.AddCommand(&cobra.Command{
		Use:   "new NAME",
		Short: "Make NAME.key to sign with, and NAME.pub to be trusted",
		Long: "Makes NAME.key, an ed25519 key to sign libraries with, readable by its owner only, and NAME.pub, a line for the\n" +
			"file that the host's --require-signed names.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("new: expected a name, got nothing")
			}
			return noArguments(cmd, args[1:])
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := makeKey(args[0]); err != nil {
				return t.fail(&connection{}, err)
			}
			return t.say("made %s.key and %s.pub\n", args[0], args[0])
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	})
	return key
}

// makeKey writes both halves; it replaces nothing.
func makeKey(name string) error {
	private, public, err := control.NewKey(filepath.Base(name))
	if err != nil {
		return err
	}
	if err := writeNew(name+".key", private, 0o600); err != nil {
		return err
	}
	return writeNew(name+".pub", []byte(public), 0o644)
}

func writeNew(path string, text []byte, mode os.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}

// newSign returns the command that signs a library.
func newSign(t *terminal) *cobra.Command {
	var keyFile string
	valid := duration(24 * time.Hour)
	cmd := &cobra.Command{
		Use:   "sign --key NAME.key FILE.so",
		Short: "Sign a library, for hosts that take no others",
		Long: "Writes FILE.so.sig, which push sends along. It vouches for these very bytes, and until it expires: what is\n" +
			"recorded today cannot bring back an old library for ever.",
		Args: oneLibrary,
		RunE: func(_ *cobra.Command, args []string) error {
			if keyFile == "" {
				return fmt.Errorf("--key: expected the file of a private key, got none")
			}
			s, err := signFile(keyFile, args[0], time.Now().Add(time.Duration(valid)))
			if err != nil {
				return t.fail(&connection{}, err)
			}
			return t.say("signed %s until %s\n", args[0], s.Expires.UTC().Format(time.RFC3339))
		},
		ValidArgsFunction: completeLibrary,
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "private key `FILE`, see hotreload key new")
	cmd.Flags().Var(&valid, "valid-for", "`TIME` after which the signature expires")
	must(cmd.MarkFlagFilename("key", "key"))
	must(cmd.RegisterFlagCompletionFunc("valid-for", cobra.NoFileCompletions))
	return cmd
}

func signFile(keyFile, path string, expires time.Time) (control.Signature, error) {
	key, err := control.LoadKey(keyFile)
	if err != nil {
		return control.Signature{}, err
	}
	file, err := os.Open(path)
	if err != nil {
		return control.Signature{}, err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return control.Signature{}, err
	}
	s := control.Sign(key, hex.EncodeToString(sum.Sum(nil)), expires)
	return s, os.WriteFile(path+signatureSuffix, []byte(s.String()+"\n"), 0o644)
}
