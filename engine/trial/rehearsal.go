package trial

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hotreload/engine/abi"
	"hotreload/engine/native"

	"golang.org/x/sys/unix"
)

// rehearsal is one trial, inside the child. It runs on one thread.
type rehearsal struct {
	*server
	thread *native.Thread
	libc   *native.Library // nil if it was not found
	before effects
	// goNames are the names of threads that the Go runtime has started: see markThread.
	goNames map[string]bool

	request *request
	copies  *space // of live shards; nil if there are none
	library *native.Library
	api     abi.API
	answer  answer
}

// run carries out the request.
func (r *rehearsal) run(d *delivery) *answer {
	r.request = d.request
	err := r.picture(d.file)
	for _, step := range []func() error{r.open, r.ask, r.exercise, r.judgeEffects, r.close} {
		if err == nil {
			err = step()
		}
	}
	if err != nil && !errors.As(err, &r.answer.failure) && !errors.As(err, &r.answer.mismatch) {
		r.answer.failure = &failure{stage: stages[0], cause: err.Error()}
	}
	return &r.answer
}

// picture copies the live shards, before any code of the library can run, and closes the file.
func (r *rehearsal) picture(file int) (err error) {
	if file < 0 {
		return nil
	}
	defer func() { err = errors.Join(err, unix.Close(file)) }()
	if len(r.request.copies) > 0 {
		r.copies, err = copySpace(file, r.request.size, r.request.copies)
	}
	return err
}

// open loads the library.
func (r *rehearsal) open() error {
	r.ledger.enter(StageConstructor)
	library, err := native.Open(r.request.path)
	r.check()
	if err != nil {
		f := &failure{stage: StageLoad, cause: err.Error()}
		if refused := (*native.LoadError)(nil); errors.As(err, &refused) {
			// The loader names the file by its whole path.
			f.cause = strings.ReplaceAll(refused.Reason, filepath.Dir(r.request.path)+string(filepath.Separator), "")
			f.hint = refused.Hint
		}
		return f
	}
	r.library = library
	return r.keptDescriptors(StageConstructor)
}

// ask gets the API and applies the guard.
func (r *rehearsal) ask() error {
	r.ledger.enter(StageGetAPI)
	get, err := r.library.Symbol("logic_get_api")
	if err != nil {
		return &failure{stage: StageLoad, cause: err.Error()}
	}
	at, fault := r.thread.Get(r.library, get)
	if fault != nil {
		return r.fault(StageGetAPI, fault)
	}
	r.ledger.enter(StageGuard)
	image := r.library.Image()
	if r.api, err = abi.Read(image, at); err != nil {
		return err
	}
	return abi.Guard(image, r.api, r.request.expect)
}

// exercise ticks the library on copies of live shards, else on fresh ones. When a copy may hold addresses, which mean
// nothing here, a bad access on copies proves nothing, and fresh ones decide.
func (r *rehearsal) exercise() error {
	if r.request.loadOnly {
		return nil
	}
	if r.copies == nil {
		return r.fresh()
	}
	try := r.onCopies
	if r.request.size != r.api.StateSize || r.request.meaning != meaning(r.api.Fields) {
		if !r.request.migrate || r.api.Migrate == 0 {
			return r.fresh() // the host's guard judges what the state means
		}
		try = r.migrated
	}
	err := try()
	f := (*failure)(nil)
	if !r.request.unsure || !errors.As(err, &f) || f.site == nil || !strings.HasPrefix(f.cause, "SIGSEGV") && !strings.HasPrefix(f.cause, "SIGBUS") {
		return err
	}
	if err := r.fresh(); err != nil {
		return err
	}
	r.warn(WarnAddresses, fmt.Sprintf("%s on a copy of the live state, but not on a fresh one: the state may hold addresses; "+
		"build with -g, or give the plugin a table of fields, and the trial will know", f))
	return nil
}

func (r *rehearsal) onCopies() error {
	if err := r.each(StageAfterReload, r.api.AfterReload, r.copies); err != nil {
		return err
	}
	if err := r.tick(r.copies); err != nil {
		return err
	}
	r.answer.shards = r.copies.count
	return nil
}

// migrated has the library take the copies over into shards of its own.
func (r *rehearsal) migrated() error {
	s, err := r.born(min(r.copies.count, len(r.request.seeds)))
	if err != nil {
		return err
	}
	r.ledger.enter(StageMigrate)
	for i := range s.count {
		fault := r.thread.Migrate(r.library, r.api.Migrate, s.address(i), r.copies.address(i), r.request.size, r.request.revision)
		if fault != nil {
			return r.fault(StageMigrate, fault)
		}
	}
	if err := errors.Join(r.intact(StageMigrate, s), r.intact(StageMigrate, r.copies)); err != nil {
		return err
	}
	if err := r.each(StageAfterReload, r.api.AfterReload, s); err != nil {
		return err
	}
	if err := r.tick(s); err != nil {
		return err
	}
	r.answer.shards = s.count
	return nil
}

// born makes new shards, count at most.
func (r *rehearsal) born(count int) (*space, error) {
	s, err := newSpace(r.api.StateSize, tried(count, r.api.StateSize))
	if err != nil {
		return nil, err
	}
	if err := r.each(StageInit, r.api.Init, s); err != nil {
		return nil, err
	}
	if r.api.Seed == 0 {
		return s, nil
	}
	r.ledger.enter(StageSeed)
	for i := range s.count {
		if fault := r.thread.Seed(r.library, r.api.Seed, s.address(i), r.request.seeds[i]); fault != nil {
			return nil, r.fault(StageSeed, fault)
		}
	}
	return s, r.intact(StageSeed, s)
}

// fresh gives whole lives to new shards.
func (r *rehearsal) fresh() error {
	s, err := r.born(len(r.request.seeds))
	if err != nil {
		return err
	}
	if err := r.tick(s); err != nil {
		return err
	}
	if err := r.each(StageShutdown, r.api.Shutdown, s); err != nil {
		return err
	}
	r.answer.shards, r.answer.fresh = s.count, true
	return nil
}

// tick ticks all states as often as asked, as a worker would.
func (r *rehearsal) tick(s *space) error {
	stage := StageTick
	if r.api.TickBatch != 0 {
		stage = StageTickBatch
	}
	r.ledger.enter(stage)
	for turn := range r.request.ticks {
		r.ledger.turn(turn + 1)
		var fault *native.Fault
		if r.api.TickBatch != 0 {
			fault = r.thread.TickBatch(r.library, r.api.TickBatch, s.base(), uintptr(s.stride), s.count, r.request.dt)
		} else {
			fault = r.thread.Tick(r.library, r.api.Tick, s.base(), uintptr(s.stride), s.count, r.request.dt)
		}
		if fault != nil {
			return r.fault(stage, fault)
		}
	}
	r.answer.ticks = r.request.ticks
	return r.intact(stage, s)
}

// each calls an optional function on every state.
func (r *rehearsal) each(stage Stage, fn uintptr, s *space) error {
	if fn == 0 {
		return nil
	}
	r.ledger.enter(stage)
	if fault := r.thread.Each(r.library, fn, s.base(), uintptr(s.stride), s.count); fault != nil {
		return r.fault(stage, fault)
	}
	return r.intact(stage, s)
}

// intact looks for writes past the states.
func (r *rehearsal) intact(stage Stage, s *space) error {
	damage := s.damage()
	if damage == "" {
		return nil
	}
	f := &failure{stage: stage, cause: damage, hint: "in the host that would be another shard, or nobody's memory"}
	if stage == StageTickBatch {
		f.hint += "; states lie `stride` bytes apart"
	}
	return f
}

// fault reports a fault with its place.
func (r *rehearsal) fault(stage Stage, fault *native.Fault) *failure {
	f := &failure{stage: stage, cause: fault.Error()}
	if fault.Signal == unix.SIGABRT {
		f.hint = "an assertion, a check of libc, or an exception that nobody caught"
		return f // the place is abort itself
	}
	f.site = r.site(fault.PC)
	return f
}

// site finds what lies at pc.
func (r *rehearsal) site(pc uintptr) *site {
	image := r.library.Image()
	if image.Text(pc) {
		return &site{inside: true, offset: uint64(pc - image.Base)}
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return &site{offset: uint64(pc)}
	}
	for line := range strings.Lines(string(maps)) {
		var low, high, offset uint64
		var access, device string
		var inode uint64
		var path string
		n, _ := fmt.Sscanf(line, "%x-%x %s %x %s %d %s", &low, &high, &access, &offset, &device, &inode, &path)
		if n == 7 && low <= uint64(pc) && uint64(pc) < high {
			return &site{offset: uint64(pc) - low + offset, module: filepath.Base(path)}
		}
	}
	return &site{offset: uint64(pc)}
}

// close unloads the library, which runs its destructors, unless it has left threads that may be in its code.
func (r *rehearsal) close() error {
	for _, w := range r.answer.warnings {
		if w.Code == WarnThreads {
			return nil
		}
	}
	r.ledger.enter(StageDestructor)
	if _, err := r.library.Close(); err != nil {
		return &failure{stage: StageDestructor, cause: err.Error()}
	}
	r.check()
	return nil
}

func (r *rehearsal) warn(code, text string) {
	r.answer.warnings = append(r.answer.warnings, Warning{code, text})
}
