package load

import (
	"fmt"
	"strconv"
	"strings"
)

// A Workload is who does what. In every call the first Voices people talk, the next Screens share a screen, and everybody receives all of the others.
type Workload struct {
	Name    string
	Calls   int
	People  int // in each call
	Voices  int
	Screens int
}

// What a talker and a screen send: 50 packets a second of 100 bytes, and 15 frames a second of 8 packets of 1100 bytes.
const (
	voiceRate  = 50
	screenRate = 15 * 8
)

// Named are the workloads that have a name.
var Named = []Workload{
	{"a1x50", 1, 51, 1, 0}, {"a10x10", 1, 10, 10, 0}, {"a20x20", 1, 20, 20, 0}, {"s1x50", 1, 51, 0, 1}, {"mix100", 1, 101, 2, 1}, {"mix200", 1, 201, 1, 1},
}

// ParseWorkload reads a workload's name. NxM stands for one call in which N talk to M: themselves too when the numbers are equal, else M listeners beside them.
func ParseWorkload(name string) (Workload, error) {
	for _, w := range Named {
		if w.Name == name {
			return w, nil
		}
	}
	first, second, ok := strings.Cut(strings.TrimPrefix(name, "a"), "x")
	n, err1 := strconv.Atoi(first)
	m, err2 := strconv.Atoi(second)
	if !ok || err1 != nil || err2 != nil || n < 1 || m < 1 || n+m > 2000 {
		return Workload{}, fmt.Errorf("workload %q: one of a1x50, a10x10, a20x20, s1x50, mix100, mix200, or NxM for N talkers and M listeners", name)
	}
	w := Workload{Name: name, Calls: 1, People: n + m, Voices: n}
	if n == m {
		w.People = n
	}
	return w, nil
}

// Rate is how many packets a second all receivers together should get.
func (w Workload) Rate() int {
	return w.Calls * (w.Voices*voiceRate + w.Screens*screenRate) * (w.People - 1)
}

func (w Workload) role(i int) role {
	switch {
	case i < w.Voices:
		return talks
	case i < w.Voices+w.Screens:
		return shares
	}
	return listens
}

type role int

const (
	listens role = iota
	talks
	shares
)
