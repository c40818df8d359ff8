// Package machine says where a measurement was made.
package machine

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// Facts stand in every line of results.
type Facts struct {
	Commit string `json:"commit"`
	Kernel string `json:"kernel"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Go     string `json:"go"`
}

// Look gathers them; what cannot be found out is empty.
func Look(root string) Facts {
	f := Facts{Cores: runtime.NumCPU(), Go: runtime.Version()}
	git := func(args ...string) string {
		out, _ := exec.Command("git", append([]string{"-C", root}, args...)...).Output()
		return strings.TrimSpace(string(out))
	}
	f.Commit = git("rev-parse", "--short=12", "HEAD")
	if f.Commit != "" && git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results") != "" { // what is being measured lies there
		f.Commit += "+changes"
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	f.Kernel = strings.TrimSpace(string(kernel))
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			f.CPU = strings.TrimSpace(value)
			break
		}
	}
	return f
}

// Dropped is how many datagrams the kernel has dropped so far, on the whole machine, because nobody read or sent them in time.
func Dropped() uint64 {
	text, _ := os.ReadFile("/proc/net/snmp")
	return dropped(string(text))
}

// dropped reads the two lines of UDP: names, and numbers below them.
func dropped(snmp string) (sum uint64) {
	var names []string
	for line := range strings.Lines(snmp) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "Udp:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names {
			if i < len(fields) && (name == "RcvbufErrors" || name == "SndbufErrors") {
				n, _ := strconv.ParseUint(fields[i], 10, 64)
				sum += n
			}
		}
	}
	return sum
}

// Load is the average number of runnable threads in the last minute, 0 when unknown.
func Load() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	v, _ := strconv.ParseFloat(first, 64)
	return v
}

// Address is one of this machine's own that is not the loopback, if there is one: WebRTC stacks do not offer that by themselves.
func Address() netip.Addr {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP.To4()); ok && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
				return ip
			}
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}
