package watch

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// remoteFileSystems are those whose files change without the kernel here taking part, by the magic number of statfs(2).
var remoteFileSystems = map[uint32]string{
	unix.NFS_SUPER_MAGIC:  "nfs",
	unix.SMB_SUPER_MAGIC:  "smb",
	unix.SMB2_SUPER_MAGIC: "smb2",
	unix.CIFS_SUPER_MAGIC: "cifs",
	unix.V9FS_MAGIC:       "9p",
	unix.FUSE_SUPER_MAGIC: "fuse",
	unix.CEPH_SUPER_MAGIC: "ceph",
	unix.AFS_SUPER_MAGIC:  "afs",
	unix.CODA_SUPER_MAGIC: "coda",
	0x786f4256:            "vboxsf",
	0xbacbacbc:            "vmhgfs",
	0x0bd00bd0:            "lustre",
}

// remote returns an error that wraps errRemote if the directory lies on such a file system.
func remote(dir string) error {
	var info unix.Statfs_t
	if err := unix.Statfs(dir, &info); err != nil {
		return nil // gone, or unknown: not known to be remote
	}
	if name, ok := remoteFileSystems[uint32(info.Type)]; ok { // the type is sign-extended on some architectures
		return fmt.Errorf("%s is on %s: %w", dir, name, errRemote)
	}
	return nil
}
