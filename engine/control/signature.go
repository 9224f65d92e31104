package control

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Signature says that the holder of a key wants an artifact to run. It holds for the bytes with that hash alone, and for
// a while: what is recorded today cannot bring an old artifact back next year.
//
// Its text is one line: "v1", the key's id, the end of its validity in seconds since 1970, and the ed25519 signature in
// base64, by spaces. It is a file beside the artifact and the value of the Hotreload-Signature header.
type Signature struct {
	Key     string    // id of the public key
	Expires time.Time // to the second
	Bytes   []byte
}

const signatureVersion = "v1"

// String returns the text.
func (s Signature) String() string {
	return fmt.Sprintf("%s %s %d %s", signatureVersion, s.Key, s.Expires.Unix(), base64.StdEncoding.EncodeToString(s.Bytes))
}

// ParseSignature reads the text of a signature.
func ParseSignature(text string) (Signature, error) {
	fields := strings.Fields(text)
	if len(text) > 1024 || len(fields) != 4 || fields[0] != signatureVersion {
		return Signature{}, errors.New("signature: expected \"v1 KEY EXPIRES SIGNATURE\", as 'hotreload sign' writes it")
	}
	expires, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || expires < 0 {
		return Signature{}, fmt.Errorf("signature: expected seconds since 1970, got %q", fields[2])
	}
	raw, err := base64.StdEncoding.DecodeString(fields[3])
	if err != nil || len(raw) != ed25519.SignatureSize {
		return Signature{}, fmt.Errorf("signature: expected %d bytes in base64", ed25519.SignatureSize)
	}
	return Signature{fields[1], time.Unix(expires, 0), raw}, nil
}

// statement is what is signed: it can be nothing else that a key may ever sign.
func statement(hash string, expires time.Time) []byte {
	return fmt.Appendf(nil, "hotreload artifact %s\nsha256 %s\nexpires %d\n", signatureVersion, hash, expires.Unix())
}

// Sign signs the artifact with that hash (SHA-256, hexadecimal).
func Sign(key ed25519.PrivateKey, hash string, expires time.Time) Signature {
	public, _ := key.Public().(ed25519.PublicKey) // always is one
	expires = expires.Truncate(time.Second)
	return Signature{keyID(public), expires, ed25519.Sign(key, statement(hash, expires))}
}

// keyID is the first 16 bytes of the key's SHA-256, hexadecimal.
func keyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:16])
}

// trusted is the public keys whose signatures count, by id.
type trusted map[string]ed25519.PublicKey

const publicKeyWord = "hotreload-ed25519"

// loadTrusted reads a file with a public key on each line, as 'hotreload key new' writes them.
func loadTrusted(path string) (trusted, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("trusted keys: %w", err)
	}
	keys := trusted{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		var raw []byte
		if len(fields) >= 2 && fields[0] == publicKeyWord {
			raw, err = base64.StdEncoding.DecodeString(fields[1])
		}
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("trusted keys: %s:%d: expected %q and a public key, as 'hotreload key new' writes them", path, n, publicKeyWord)
		}
		keys[keyID(raw)] = raw
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("trusted keys: %w", err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("trusted keys: %s: expected at least one key", path)
	}
	return keys, nil
}

// verify tells why the signature does not vouch for the artifact with that hash now; nil if it does.
func (t trusted) verify(s Signature, hash string, now time.Time) error {
	key, ok := t[s.Key]
	switch {
	case !ok:
		return fmt.Errorf("expected a signature by a trusted key, got one by %.64q", s.Key)
	case !ed25519.Verify(key, statement(hash, s.Expires), s.Bytes):
		return fmt.Errorf("expected a signature of the artifact %.12s, got one of something else", hash)
	case now.After(s.Expires):
		return fmt.Errorf("the signature has expired at %s: sign the artifact again", s.Expires.UTC().Format(time.RFC3339))
	}
	return nil
}

// NewKey makes a key pair: the private key as PEM (PKCS #8) and the line that makes others trust it, with a name for
// people at its end.
func NewKey(name string) (private []byte, public string, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, "", fmt.Errorf("make a key: %w", err)
	}
	line := fmt.Sprintf("%s %s %s\n", publicKeyWord, base64.StdEncoding.EncodeToString(pub), name)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), line, nil
}

// LoadKey reads a private key that NewKey has made, from a file that only its owner can read.
func LoadKey(path string) (ed25519.PrivateKey, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("private key: %s: expected PEM, as 'hotreload key new' writes it", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("private key: %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("private key: %s: expected an ed25519 key, got %T", path, parsed)
	}
	return key, nil
}
