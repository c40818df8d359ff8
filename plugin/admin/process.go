package admin

import (
	"fmt"
	"io"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// began is when this process did, as near as it can tell.
var began = time.Now()

// runtimeFamilies are what the Go runtime counts, by the names that Prometheus dashboards know. Reading them stops no goroutine.
var runtimeFamilies = []struct{ name, kind, help, source string }{
	{"go_goroutines", "gauge", "Goroutines alive now.", "/sched/goroutines:goroutines"},
	{"go_memstats_heap_alloc_bytes", "gauge", "Bytes of objects on the heap.", "/memory/classes/heap/objects:bytes"},
	{"go_memstats_sys_bytes", "gauge", "Bytes that the Go runtime has from the system.", "/memory/classes/total:bytes"},
	{"go_gc_cycles_total", "counter", "Collections of garbage.", "/gc/cycles/total:gc-cycles"},
}

// writeProcess tells what the plugin's process costs. What a system does not say is left out.
func writeProcess(w io.Writer) {
	samples := make([]metrics.Sample, len(runtimeFamilies))
	for i, f := range runtimeFamilies {
		samples[i].Name = f.source
	}
	metrics.Read(samples)
	for i, f := range runtimeFamilies {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			writeOne(w, f.name, f.kind, f.help, float64(samples[i].Value.Uint64()))
		}
	}
	writeOne(w, "process_start_time_seconds", "gauge", "When the process began, in seconds since 1970.", float64(began.UnixMilli())/1000)
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) == nil {
		writeOne(w, "process_cpu_seconds_total", "counter", "Processor time used.", time.Duration(use.Utime.Nano()+use.Stime.Nano()).Seconds())
	}
	if pages, ok := resident(); ok {
		writeOne(w, "process_resident_memory_bytes", "gauge", "Memory in use.", pages*float64(os.Getpagesize()))
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		writeOne(w, "process_open_fds", "gauge", "File descriptors open now.", float64(len(open)))
	}
}

func writeOne(w io.Writer, name, kind, help string, value float64) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %s\n", name, help, name, kind, name, strconv.FormatFloat(value, 'f', -1, 64))
}

// resident reads the pages in memory, which Linux tells.
func resident() (pages float64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err = strconv.ParseFloat(fields[1], 64)
	return pages, err == nil
}
