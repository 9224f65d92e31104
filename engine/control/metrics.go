package control

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"hotreload/engine"
	"hotreload/engine/native"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sys/unix"
)

// metrics is what /metrics answers, in a registry of its own: a picture of the engine's measures at the moment of the
// scrape, and what the events since the beginning add up to.
type metrics struct {
	host     Host
	registry *prometheus.Registry
	handler  http.Handler

	reloads *prometheus.CounterVec   // by result and the stage that refused
	stages  *prometheus.HistogramVec // by stage
	faults  *prometheus.CounterVec   // by signal
	events  *prometheus.CounterVec   // by kind
	missed  prometheus.Counter
	last    uint64 // seq of the last event; of who calls count
}

// statusMetric is a metric that is read off a status.
type statusMetric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	get  func(engine.Status) float64
}

// picture is those that have no labels.
var picture = []statusMetric{
	gauge("running", "Whether the engine runs.", func(s engine.Status) float64 { return truth(s.Running) }),
	counter("ticks_total", "Ticks completed by every worker.", func(s engine.Status) float64 { return float64(s.Ticks) }),
	gauge("shards", "Instances of the state.", func(s engine.Status) float64 { return float64(s.Shards) }),
	gauge("workers", "Threads that tick them.", func(s engine.Status) float64 { return float64(s.Workers) }),
	counter("swaps_total", "Publications after the first.", func(s engine.Status) float64 { return float64(s.Swaps) }),
	counter("rejections_total", "Changes that a stage refused.", func(s engine.Status) float64 { return float64(s.Rejections) }),
	counter("faulty_generations_total", "Generations whose code faulted.", func(s engine.Status) float64 { return float64(s.Faults) }),
	gauge("paused", "Whether the simulation stands still because it was told to.",
		func(s engine.Status) float64 { return truth(s.Paused) }),
	gauge("generation_kept", "Whether the generation that runs is kept until it is unpinned.",
		func(s engine.Status) float64 { return truth(s.Pin) }),
	gauge("quarantined_shards", "Shards that are not ticked, because their code faulted, until other code comes.",
		func(s engine.Status) float64 { return float64(s.Quarantined) }),
	gauge("generation", "Number of the generation that runs, 0 before the first.",
		func(s engine.Status) float64 { return float64(s.Generation.Number) }),
	gauge("generation_activation_tick", "Tick from which it runs.",
		func(s engine.Status) float64 { return float64(s.Generation.Activation) }),
	gauge("generations_loaded", "Generations that are published and not yet reclaimed.",
		func(s engine.Status) float64 { return float64(len(s.Generations)) }),
	counter("libraries_loaded_total", "Libraries opened.", func(s engine.Status) float64 { return float64(s.Loaded) }),
	counter("libraries_reclaimed_total", "Libraries closed and verified to be unmapped.",
		func(s engine.Status) float64 { return float64(s.Reclaimed) }),
	gauge("last_reload_exit_code", "Outcome of the last reload as the command's exit code: 0 is good.",
		func(s engine.Status) float64 { return float64(engine.ExitCode(s.Outcome)) }),
}

// Those that have labels.
var (
	generationInfo = prometheus.NewDesc("hotreload_generation_info", "The generation that runs.",
		[]string{"generation", "hash", "library", "api_version", "api_revision"}, nil)
	librariesPinned = prometheus.NewDesc("hotreload_libraries_pinned_total",
		"Libraries closed that stay mapped, by what the inspection found, or that they faulted where a lock may be held.",
		[]string{"reason"}, nil)
	tickLateness = prometheus.NewDesc("hotreload_tick_lateness_seconds",
		"How much later than scheduled ticks started. Empty without a schedule. The last two seconds or so are not in it.",
		[]string{"worker"}, nil)
	tickDuration = prometheus.NewDesc("hotreload_tick_duration_seconds",
		"How long ticks took, for all shards of the worker. Without a schedule a sample, as means of some ticks.",
		[]string{"worker"}, nil)
)

func gauge(name, help string, get func(engine.Status) float64) statusMetric {
	return statusMetric{prometheus.NewDesc("hotreload_"+name, help, nil, nil), prometheus.GaugeValue, get}
}

func counter(name, help string, get func(engine.Status) float64) statusMetric {
	return statusMetric{prometheus.NewDesc("hotreload_"+name, help, nil, nil), prometheus.CounterValue, get}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func newMetrics(host Host) *metrics {
	m := &metrics{
		host: host, registry: prometheus.NewRegistry(),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotreload_reloads_total", Help: "Changes by what became of them, and the stage that refused.",
		}, []string{"result", "stage"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hotreload_stage_duration_seconds",
			Help: "How long the stages of a change took. total is from its first event to the publication; publish is the store " +
				"that workers see, grace until the last of them has passed and probation is over. No worker waits for any of " +
				"them but migrate. pause is what a swap costs a worker: how much later than scheduled the first tick on the new " +
				"code began, hooks and a migration included, for the worker that was worst.",
			Buckets: prometheus.ExponentialBuckets(1e-6, 4, 14), NativeHistogramBucketFactor: 1.1, // 1 µs to 67 s
			NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"stage"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotreload_faults_total", Help: "Faults of plugin code that ended a generation, by signal.",
		}, []string{"signal"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotreload_events_total", Help: "Events by kind.",
		}, []string{"kind"}),
	}
	m.missed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hotreload_events_missed_total", Help: "Events that are missing in what is counted of events.",
	})
	m.registry.MustRegister(m, m.reloads, m.stages, m.faults, m.events, m.missed,
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

// scrapes is how many are answered at once; others wait.
const scrapes = 4

// measure answers with the metrics.
func (s *Server) measure(w http.ResponseWriter, r *http.Request) {
	select {
	case s.scrapes <- struct{}{}:
		defer s.scrapes.free()
	case <-r.Context().Done():
		return
	}
	s.settle()
	s.metrics.handler.ServeHTTP(w, r)
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, p := range picture {
		to <- p.desc
	}
	for _, desc := range []*prometheus.Desc{generationInfo, librariesPinned, tickLateness, tickDuration} {
		to <- desc
	}
}

// Collect implements prometheus.Collector: all values are of one moment.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	all := m.host.Measures()
	s := all.Status
	for _, p := range picture {
		to <- prometheus.MustNewConstMetric(p.desc, p.kind, p.get(s))
	}
	if g := s.Generation; g.Number != 0 {
		to <- prometheus.MustNewConstMetric(generationInfo, prometheus.GaugeValue, 1, strconv.FormatUint(g.Number, 10), g.Hash,
			g.Library, strconv.Itoa(int(g.APIVersion)), strconv.Itoa(int(g.Revision)))
	}
	for reason, n := range s.PinnedBy {
		to <- prometheus.MustNewConstMetric(librariesPinned, prometheus.CounterValue, float64(n), reason)
	}
	for _, w := range all.Workers {
		to <- constHistogram(tickLateness, w.Late, strconv.Itoa(w.Worker))
		to <- constHistogram(tickDuration, w.Took, strconv.Itoa(w.Worker))
	}
}

func constHistogram(desc *prometheus.Desc, h engine.Histogram, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(h.UpTo))
	for i, n := range h.UpTo {
		buckets[engine.HistogramBounds[i].Seconds()] = n
	}
	return prometheus.MustNewConstHistogram(desc, h.Count, h.Sum.Seconds(), buckets, labels...)
}

// results maps kinds of events to what became of a change.
var results = map[engine.Kind]string{
	engine.Running: ResultSwapped, engine.Swapped: ResultSwapped, engine.Unchanged: ResultUnchanged,
	engine.Rejected: ResultRejected, engine.Faulted: ResultFaulted, engine.RolledBack: ResultRolledBack,
}

// count adds an event to the sums.
func (m *metrics) count(ev engine.Event) {
	m.missed.Add(float64(ev.Seq - m.last - 1))
	m.last = ev.Seq
	m.events.WithLabelValues(string(ev.Kind)).Inc()
	if result, ok := results[ev.Kind]; ok {
		stage := ""
		if ev.Kind == engine.Rejected {
			stage = newOutcome(ev.Err).Stage
		}
		m.reloads.WithLabelValues(result, stage).Inc()
	}
	var fault *engine.FaultError
	if ev.Kind == engine.Faulted && errors.As(ev.Err, &fault) {
		m.faults.WithLabelValues(signalName(fault)).Inc()
	}
	for stage, took := range seconds(ev.Stages) {
		m.stages.WithLabelValues(stage).Observe(took)
	}
}

// signalName is how a fault began: a signal, or that it was cancelled because it did not return.
func signalName(fault *engine.FaultError) string {
	if fault.Fault == nil || fault.Fault.Signal == native.CancelSignal {
		return "cancelled"
	}
	return unix.SignalName(fault.Fault.Signal)
}
