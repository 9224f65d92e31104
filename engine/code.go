package engine

import (
	"hotreload/engine/abi"
	"hotreload/engine/artifact"
	"hotreload/engine/native"
	"hotreload/engine/state"
)

// code is one generation's code: a loaded library with its checked API. Immutable once published.
type code struct {
	generation Generation
	artifact   *artifact.Artifact
	library    *native.Library
	api        abi.API
	layout     *state.Layout
	shown      []state.Field // the fields of the [state] line
}
