package watch

import "errors"

// errRemote says that a file system does not tell of changes made elsewhere.
var errRemote = errors.New("the file system sends no events for changes made elsewhere")
