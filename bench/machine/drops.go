package machine

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// DroppedHere is how many datagrams the kernel has thrown away so far at the UDP sockets that this process has open, and at those on the given local ports of others,
// because they were full: nobody had had the time to read what came before. Where the kernel does not say, it is 0.
//
// What somebody did not get may be lost by whom we test, or by a machine that had no time. This tells the two apart.
func DroppedHere(ports ...uint16) (n uint64) {
	text, _ := os.ReadFile("/proc/self/net/udp")
	own := sockets()
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 13 {
			continue
		}
		if _, mine := own[f[9]]; !mine && !among(f[1], ports) {
			continue
		}
		dropped, _ := strconv.ParseUint(f[12], 10, 64) // 0 for the head of the table
		n += dropped
	}
	return n
}

// sockets are the inodes of the sockets that this process has open.
func sockets() map[string]struct{} {
	own := map[string]struct{}{}
	const folder = "/proc/self/fd"
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		to, _ := os.Readlink(filepath.Join(folder, e.Name()))
		if inode, is := strings.CutPrefix(to, "socket:["); is {
			own[strings.TrimSuffix(inode, "]")] = struct{}{}
		}
	}
	return own
}

// among says whether an address as the kernel writes it, both parts in hexadecimal, has one of these ports.
func among(address string, ports []uint16) bool {
	_, hex, _ := strings.Cut(address, ":")
	port, err := strconv.ParseUint(hex, 16, 16)
	for _, p := range ports {
		if err == nil && uint64(p) == port {
			return true
		}
	}
	return false
}
