package artifact

import "encoding/hex"

// Hash is the SHA-256 of a library's bytes, which names an artifact.
type Hash [32]byte

// String returns all 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short returns the first 8 hexadecimal digits, for logs and file names.
func (h Hash) Short() string { return hex.EncodeToString(h[:4]) }

// MarshalText implements encoding.TextMarshaler as String does.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }
