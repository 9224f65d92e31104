package engine

import (
	"errors"
	"strings"
)

// Stage names one arrow of the pipeline a change goes through.
type Stage string

// The stages, in the order of a change.
const (
	StageWatch   Stage = "watch"
	StageBuild   Stage = "build"
	StageInspect Stage = "inspect"
	StageTrial   Stage = "trial"
	StageLoad    Stage = "load"
	StageGuard   Stage = "guard"
	StagePublish Stage = "publish"
	StageMigrate Stage = "migrate"
	StageRun     Stage = "run"
	StageReclaim Stage = "reclaim"
)

// StageError is a failed stage of one reload: the generation that ran before goes on running. Err is the stage's own
// error: *build.Failure, *artifact.Refusal, *native.LoadError, *abi.Mismatch.
type StageError struct {
	Stage Stage
	Err   error
}

// Error implements error.
func (e *StageError) Error() string {
	text, prefix := e.Err.Error(), string(e.Stage)+": "
	if strings.HasPrefix(text, prefix) {
		return text
	}
	return prefix + text
}

// Unwrap returns the stage's own error.
func (e *StageError) Unwrap() error { return e.Err }

// ErrUnchanged is the outcome of a build whose library is, byte for byte, the one that runs: there is nothing to swap.
var ErrUnchanged = errors.New("unchanged: the new library is identical to the running one")

// ErrNotRunning is returned by the methods that need Run to be under way.
var ErrNotRunning = errors.New("engine is not running")

// Exit codes of the hotreload command; ExitCode maps an outcome to one of them.
const (
	ExitSuccess    = 0
	ExitRuntime    = 1
	ExitUsage      = 2
	ExitBuild      = 9
	ExitGuard      = 10
	ExitRefused    = 11
	ExitRolledBack = 12
)

// ExitCode returns the exit code that reports err, the outcome of the last reload or of Run itself: 0 for nil and for
// ErrUnchanged, by stage for a *StageError, 2 for ErrConfig, else 1.
func ExitCode(err error) int {
	var se *StageError
	switch {
	case err == nil, errors.Is(err, ErrUnchanged):
		return ExitSuccess
	case errors.As(err, &se):
		switch se.Stage {
		case StageBuild:
			return ExitBuild
		case StageGuard:
			return ExitGuard
		case StageInspect, StageTrial, StageLoad:
			return ExitRefused
		case StageRun, StageMigrate:
			return ExitRolledBack
		}
	case errors.Is(err, ErrConfig):
		return ExitUsage
	}
	return ExitRuntime
}
