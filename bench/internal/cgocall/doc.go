// Package cgocall calls a tick through cgo, for comparison: it is what a host would do that may use cgo. In a program
// built without cgo it is not available.
package cgocall
