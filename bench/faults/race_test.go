//go:build race

package faults

// testCalls: the race detector makes the clients ten times as dear.
const testCalls = 2
