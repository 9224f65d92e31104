package workers

// Span is the range of shards that one worker owns: Count of them, the first numbered First.
type Span struct {
	Worker int
	First  int
	Count  int
}

// spanOf divides shards evenly over n workers and returns the part of worker w.
func spanOf(w, n, shards int) Span {
	first, end := w*shards/n, (w+1)*shards/n
	return Span{Worker: w, First: first, Count: end - first}
}
