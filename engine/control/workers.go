package control

import (
	"net/http"

	"hotreload/engine"
)

// Workers is a picture of the threads that tick the shards.
type Workers struct {
	Late    Distribution `json:"late"` // of all together, those of the past included; see Worker
	Took    Distribution `json:"took"`
	Workers []Worker     `json:"workers"` // none before the first generation
}

// Worker is a picture of one of them.
type Worker struct {
	Worker     int          `json:"worker"`
	FirstShard int          `json:"first_shard"`
	Shards     int          `json:"shards"`
	Tick       uint64       `json:"tick"`          // that it runs, or when parked the next
	Parked     bool         `json:"parked"`        // it is between two ticks and waits
	Generation uint64       `json:"generation"`    // that it runs
	Stuck      float64      `json:"stuck_seconds"` // how long it has been in this tick once that is too long, else 0
	Late       Distribution `json:"late"`          // how much later than scheduled ticks started; none when free-running
	Took       Distribution `json:"took"`          // how long a tick of all of its shards took
}

// Distribution summarises durations in seconds, but for those of the last two seconds or so.
type Distribution struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
	// Octaves counts by size, for all workers together only: see engine.Distribution.
	Octaves []uint64 `json:"octaves,omitempty"`
}

func (s *Server) workers(w http.ResponseWriter, r *http.Request) {
	if _, p := query(r); p != nil {
		p.write(w)
		return
	}
	all := s.host.Timing()
	list := Workers{Late: newDistribution(all.Late), Took: newDistribution(all.Took), Workers: []Worker{}}
	for _, one := range s.host.Workers() {
		list.Workers = append(list.Workers, Worker{
			Worker: one.Worker, FirstShard: one.First, Shards: one.Count, Tick: one.Tick, Parked: one.Parked,
			Generation: one.Generation, Stuck: one.Stuck.Seconds(),
			Late: newDistribution(one.Timing.Late), Took: newDistribution(one.Timing.Took),
		})
	}
	answer(w, list)
}

func newDistribution(d engine.Distribution) Distribution {
	return Distribution{
		Count: d.Count, P50: d.P50.Seconds(), P99: d.P99.Seconds(), P999: d.P999.Seconds(), Max: d.Max.Seconds(),
		Octaves: d.Octaves,
	}
}
