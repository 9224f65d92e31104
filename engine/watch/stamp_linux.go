package watch

import (
	"os"
	"syscall"
	"time"
)

// nonblocking keeps open from waiting should the file have become a FIFO since it was examined.
const nonblocking = syscall.O_NONBLOCK

// stamp is what stat says of a file that any change of its content changes too, but for the resolution of the clock. The
// change time is part of it because programs set the modification time at will.
type stamp struct {
	id    identity
	size  int64
	mtime int64 // ns since 1970
	ctime int64 // ns since 1970
}

// identity tells files and directories apart while both exist.
type identity struct{ device, inode uint64 }

func stampOf(info os.FileInfo) stamp {
	s := stamp{id: identityOf(info), size: info.Size(), mtime: info.ModTime().UnixNano()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.ctime = sys.Ctim.Nano()
	}
	return s
}

func (s stamp) changed() time.Time { return time.Unix(0, s.ctime) }

func identityOf(info os.FileInfo) identity {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	return identity{device: uint64(sys.Dev), inode: sys.Ino} //nolint:unconvert // the type of Dev differs by architecture
}
