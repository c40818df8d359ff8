//go:build !plainudp

package media

// mostShards is how many shards a test may ask for: the sockets of this system can share a port.
const mostShards = 3
