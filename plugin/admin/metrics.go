package admin

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"calls/actors"
)

// family is one metric of the Prometheus text format, told for each kind of actor. No label holds the id of a call, channel or user.
type family struct {
	name, kind, help string
	value            func(actors.Metrics) uint64
}

var families = []family{
	{"actors", "gauge", "Actors alive now.", func(m actors.Metrics) uint64 { return uint64(max(m.Actors, 0)) }},
	{"actor_mailbox_waiting", "gauge", "Messages and packets that wait now.", func(m actors.Metrics) uint64 { return uint64(max(m.Waiting, 0)) }},
	{"actors_started_total", "counter", "Actors ever started.", func(m actors.Metrics) uint64 { return m.Started }},
	{"actor_restarts_total", "counter", "Restarts by a supervisor.", func(m actors.Metrics) uint64 { return m.Restarts }},
	{"actor_failures_total", "counter", "Messages that an actor failed on.", func(m actors.Metrics) uint64 { return m.Failures }},
	{"actor_stuck_total", "counter", "Messages that took too long.", func(m actors.Metrics) uint64 { return m.Stuck }},
	{"actor_quarantined_total", "counter", "Actors given up because they were stuck.", func(m actors.Metrics) uint64 { return m.Quarantined }},
	{"actor_messages_total", "counter", "Control messages handled.", func(m actors.Metrics) uint64 { return m.Messages }},
	{"actor_messages_dropped_total", "counter", "Control messages never handled, because their actor had ended.", func(m actors.Metrics) uint64 { return m.MessagesDropped }},
	{"actor_packets_total", "counter", "Media packets handled.", func(m actors.Metrics) uint64 { return m.Packets }},
	{"actor_packets_dropped_total", "counter", "Media packets pushed out of a full mailbox.", func(m actors.Metrics) uint64 { return m.PacketsDropped }},
}

const prefix = "mattermost_plugin_calls_"

func (s *server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	write(w, s.engine.Metrics(), s.engine.DeadLetters())
}

func write(w io.Writer, kinds map[string]actors.Metrics, deadLetters uint64) {
	names := slices.Sorted(maps.Keys(kinds))
	for _, f := range families {
		fmt.Fprintf(w, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, f.name, f.help, prefix, f.name, f.kind)
		for _, k := range names {
			fmt.Fprintf(w, "%s%s{kind=%q} %d\n", prefix, f.name, k, f.value(kinds[k]))
		}
	}
	fmt.Fprintf(w, "# HELP %sdead_letters_total Messages that found no actor.\n# TYPE %sdead_letters_total counter\n%sdead_letters_total %d\n", prefix, prefix, prefix, deadLetters)
}
