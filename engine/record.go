package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"hotreload/engine/journal"
	"hotreload/engine/state"
	"hotreload/workers"

	"go.uber.org/zap"
)

// This file is how the journal comes to be. The pipeline's goroutine writes it, after what it tells of has happened, so
// that neither a swap nor a tick waits for the disk.

// openJournal opens the journal, if the run is to have one.
func (p *pipeline) openJournal() (err error) {
	if p.cfg.Journal == "" {
		return nil
	}
	p.artifacts = journal.Artifacts(p.cfg.KeepArtifacts)
	if p.writer, err = journal.Open(p.cfg.Journal); err != nil {
		return err
	}
	p.crew.leaves = newLeaves()
	return nil
}

// recordBegin writes the header, when the first generation is known.
func (p *pipeline) recordBegin(first *code) {
	if p.writer == nil {
		return
	}
	h := journal.Header{
		Time: time.Now(), Plugin: first.generation.Library, Seed: p.cfg.Seed, Shards: p.cfg.Shards, DT: p.cfg.DT.Nanoseconds(),
		Swap: p.cfg.Swap.String(), Migrate: string(p.cfg.Migrate), StateType: p.cfg.StateType,
		StateSize: first.api.StateSize, Layout: layoutHash(first.layout),
		Resumed: p.crew.inherited,
	}
	p.recorded(p.writer.Begin(h))
}

// layoutHash identifies a layout that the library itself tells, "" for others.
func layoutHash(l *state.Layout) string {
	if l == nil || l.Source != state.SourceTable && l.Source != state.SourceDWARF {
		return ""
	}
	hash := l.Hash()
	return hex.EncodeToString(hash[:])
}

// recordPublished writes down a publication, after the library that it is of.
func (p *pipeline) recordPublished(kind journal.Kind, c *code) {
	if p.writer == nil {
		return
	}
	if err := p.artifacts.Keep(c.generation.Hash, c.artifact.Path); err != nil {
		p.recorded(fmt.Errorf("keep the artifact: %w", err))
		return
	}
	g := c.generation
	e := journal.Entry{
		Kind: kind, Generation: g.Number, Epoch: g.Epoch, Tick: g.Activation,
		Artifact: g.Hash, Library: g.Library, Opened: c.library.number, Relieves: c.relieves,
	}
	if m := c.migrated(); m != nil {
		e.Migration = string(m.Way)
	}
	p.write(e)
}

// recordFault writes down a fault.
func (p *pipeline) recordFault(f *FaultError) {
	p.write(journal.Entry{
		Kind: journal.Fault, Generation: f.Generation, Tick: f.Tick, First: max(f.Shard, 0), Function: f.Function, Error: f.Error(),
	})
}

// recordLeaves writes down which shards have left faulty code.
func (p *pipeline) recordLeaves() {
	if p.crew.leaves == nil {
		return
	}
	for _, l := range p.crew.leaves.take() {
		e := journal.Entry{
			Kind: journal.Leave, Generation: l.code.generation.Number, Tick: l.tick, First: l.first, Count: l.count, Broken: l.broken,
		}
		if l.by != nil {
			e.By = l.by.generation.Number
		}
		p.write(e)
	}
}

// recordEnd writes down how the run has ended.
func (p *pipeline) recordEnd(ticks uint64, hash string) {
	p.recordLeaves()
	p.write(journal.Entry{Kind: journal.End, Tick: ticks, State: hash})
}

func (p *pipeline) write(e journal.Entry) {
	if p.writer == nil {
		return
	}
	e.Time = time.Now()
	p.recorded(p.writer.Append(e))
}

// recorded gives the journal up when it could not be written: with a gap it would tell another history.
func (p *pipeline) recorded(err error) {
	if err == nil {
		return
	}
	p.log.Named("server").Error("the journal ends here", zap.Error(err),
		Text("the journal ends at generation %d: %v; the host runs on", p.numbers, err))
	p.closeJournal()
}

func (p *pipeline) closeJournal() {
	if p.writer == nil {
		return
	}
	if err := p.writer.Close(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		p.log.Named("server").Warn("cannot close the journal", zap.Error(err), Text("cannot close the journal: %v", err))
	}
	p.writer = nil
}

// digest is the hash of the state in the making: each worker hashes its own shards.
type digest [][sha256.Size]byte

func newDigest(shards int) digest { return make(digest, shards) }

// take hashes the shards of one worker, on its thread.
func (d digest) take(h *hand, s workers.Span) {
	for i := s.First; i < s.First+s.Count; i++ {
		d[i] = sha256.Sum256(h.arena.Shard(i))
	}
}

// sum is the SHA-256 of the SHA-256 of each shard, in their order, hexadecimal.
func (d digest) sum() string {
	all := sha256.New()
	for _, one := range d {
		all.Write(one[:])
	}
	return hex.EncodeToString(all.Sum(nil))
}
