//go:build !linux || plainudp

package media

// mostShards is how many shards a test may ask for: this form of the socket does not share a port.
const mostShards = 1
