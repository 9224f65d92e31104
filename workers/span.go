package workers

// Span is the range of shards that one worker owns: Count of them, the first numbered First.
type Span struct {
	Worker int
	First  int
	Count  int
}

// spanOf divides shards evenly over n workers and returns the part of worker w.
func spanOf(w, n, shards int) Span {
	first, end := bound(w, n, shards), bound(w+1, n, shards)
	return Span{Worker: w, First: first, Count: end - first}
}

func bound(w, n, shards int) int { return int(int64(w) * int64(shards) / int64(n)) }

// Overlaps tells whether s and t share a shard.
func (s Span) Overlaps(t Span) bool { return s.common(t).Count > 0 }

// common returns the shards that s shares with t, as s's worker's.
func (s Span) common(t Span) Span {
	first, end := max(s.First, t.First), min(s.First+s.Count, t.First+t.Count)
	return Span{Worker: s.Worker, First: first, Count: max(end-first, 0)}
}
