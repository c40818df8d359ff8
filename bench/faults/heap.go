package faults

import (
	"math"
	"runtime"
	"strings"
	"time"

	"calls/bench/client"
)

// clientBuffer is where pion's connections grow the buffers between their goroutines. Those of the clients grow whenever the machine has no time for them and
// never shrink; the engine's see only handshakes and connectivity checks.
const clientBuffer = "github.com/pion/transport/v2/packetio.(*Buffer).grow"

// sampleRate is how many bytes are allocated for each allocation whose place is noted: often enough to count buffers of many KiB.
const sampleRate = 4096

// heap is what is in use after two collections, while nobody sends, without the clients' buffers: packets on their way are not what is looked for.
func (w *world) heap() uint64 {
	for _, p := range w.people {
		p.Pause(client.Audio)
		p.Pause(client.Extra)
	}
	w.quiet()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	buffers := heldBy(clientBuffer)
	for _, p := range w.people {
		p.Resume(client.Audio)
		p.Resume(client.Extra)
	}
	time.Sleep(pause)
	return m.HeapAlloc - min(m.HeapAlloc, buffers)
}

// quiet waits until every packet that is on its way has been read: a busy machine may need a while for that.
func (w *world) quiet() {
	read := func() (n uint64) {
		for _, p := range w.people {
			for _, s := range p.Streams() {
				n += s.Packets
			}
		}
		return n
	}
	last := read()
	for deadline := time.Now().Add(settleWait); time.Now().Before(deadline); {
		time.Sleep(pause)
		now := read()
		if now == last {
			return
		}
		last = now
	}
}

// heldBy estimates from the samples of the heap what a function allocated and is still in use.
func heldBy(function string) (bytes uint64) {
	n, _ := runtime.MemProfile(nil, false)
	records := make([]runtime.MemProfileRecord, n+100)
	n, ok := runtime.MemProfile(records, false)
	if !ok {
		return 0
	}
	for _, r := range records[:n] {
		if r.InUseObjects() == 0 || !through(r.Stack(), function) {
			continue
		}
		// An allocation of size s is sampled with probability 1 - e^(-s/rate).
		size := float64(r.InUseBytes()) / float64(r.InUseObjects())
		bytes += uint64(float64(r.InUseBytes()) / (1 - math.Exp(-size/float64(runtime.MemProfileRate))))
	}
	return bytes
}

func through(stack []uintptr, function string) bool {
	frames := runtime.CallersFrames(stack)
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, function) {
			return true
		}
		if !more {
			return false
		}
	}
}
