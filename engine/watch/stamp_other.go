//go:build !linux

package watch

import (
	"os"
	"time"
)

// nonblocking has no meaning here.
const nonblocking = 0

// stamp is what is known of a file without reading it.
type stamp struct {
	size  int64
	mtime int64 // ns since 1970
}

// identity is not known here: a directory that was replaced is noticed by its events only.
type identity struct{}

func stampOf(info os.FileInfo) stamp {
	return stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}
}

func (s stamp) changed() time.Time { return time.Unix(0, s.mtime) }

func identityOf(os.FileInfo) identity { return identity{} }
