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
	writeLoops(w, s.engine.MediaLoops())
	writeProcess(w)
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

// loopFamily is one metric told for each loop on the media port.
type loopFamily struct {
	name, kind, help string
	value            func(actors.MediaLoop) uint64
}

var loopFamilies = []loopFamily{
	{"media_datagrams_received_total", "counter", "Datagrams that came.", func(l actors.MediaLoop) uint64 { return l.DatagramsIn }},
	{"media_datagrams_sent_total", "counter", "Datagrams that left.", func(l actors.MediaLoop) uint64 { return l.DatagramsOut }},
	{"media_datagrams_unsent_total", "counter", "Datagrams without an address yet, or without room in the socket.", func(l actors.MediaLoop) uint64 { return l.Dropped }},
	{"media_datagrams_refused_total", "counter", "Datagrams malformed or from nobody known.", func(l actors.MediaLoop) uint64 { return l.Refused }},
	{"media_datagrams_handed_on_total", "counter", "Datagrams that came to another loop than their client's.", func(l actors.MediaLoop) uint64 { return l.HandedOn }},
	{"media_datagrams_segmented_total", "counter", "Datagrams sent several at once (UDP_SEGMENT).", func(l actors.MediaLoop) uint64 { return l.Segmented }},
	{"media_segmentation_refused_total", "counter", "Times that the kernel would not send several at once.", func(l actors.MediaLoop) uint64 { return l.Unsegmented }},
	{"media_loop_replaced_total", "counter", "Times that a loop hung and was replaced.", func(l actors.MediaLoop) uint64 { return l.Quarantines }},
	{"media_panics_total", "counter", "Panics recovered on a loop, outside actors.", func(l actors.MediaLoop) uint64 { return l.Panics }},
	{"media_socket_receive_bytes", "gauge", "Receive buffer that the kernel granted.", func(l actors.MediaLoop) uint64 { return uint64(max(l.ReadBuffer, 0)) }},
	{"media_socket_send_bytes", "gauge", "Send buffer that the kernel granted.", func(l actors.MediaLoop) uint64 { return uint64(max(l.WriteBuffer, 0)) }},
}

func writeLoops(w io.Writer, loops []actors.MediaLoop) {
	for _, f := range loopFamilies {
		fmt.Fprintf(w, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, f.name, f.help, prefix, f.name, f.kind)
		for n, l := range loops {
			fmt.Fprintf(w, "%s%s{loop=\"%d\"} %d\n", prefix, f.name, n, f.value(l))
		}
	}
}
