//go:build !race

package faults

const testCalls = 10
