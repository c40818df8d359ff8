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

// families are the named ones at any size: n is the number in the name.
var families = []struct {
	prefix string
	most   int
	of     func(n int) Workload
}{
	{"mix", mostPeople - 1, func(n int) Workload { return Workload{Calls: 1, People: n + 1, Voices: 2, Screens: 1} }},
	{"s1x", mostPeople - 1, func(n int) Workload { return Workload{Calls: 1, People: n + 1, Screens: 1} }},
	{"all", 300, func(n int) Workload { return Workload{Calls: 1, People: n, Voices: n} }},
}

const mostPeople = 2000

// ParseWorkload reads a workload's name. NxM stands for one call in which N talk to M: themselves too when the numbers are equal, else M listeners beside them.
// NAME*K is K calls like that.
func ParseWorkload(name string) (Workload, error) {
	one, times, several := strings.Cut(name, "*")
	w, err := parseCall(one)
	if err != nil || !several {
		return w, err
	}
	if w.Calls, err = strconv.Atoi(times); err != nil || w.Calls < 1 || w.Calls*w.People > mostPeople {
		return Workload{}, fmt.Errorf("workload %q: at most %d people in all calls together", name, mostPeople)
	}
	w.Name = name
	return w, nil
}

func parseCall(name string) (Workload, error) {
	for _, w := range Named {
		if w.Name == name {
			return w, nil
		}
	}
	for _, f := range families {
		if n, err := strconv.Atoi(strings.TrimPrefix(name, f.prefix)); strings.HasPrefix(name, f.prefix) && err == nil && n > 1 && n <= f.most {
			w := f.of(n)
			w.Name = name
			return w, nil
		}
	}
	first, second, ok := strings.Cut(strings.TrimPrefix(name, "a"), "x")
	n, err1 := strconv.Atoi(first)
	m, err2 := strconv.Atoi(second)
	if !ok || err1 != nil || err2 != nil || n < 1 || m < 1 || n+m > mostPeople {
		return Workload{}, fmt.Errorf("workload %q: one of a1x50, a10x10, a20x20, s1x50, mix100, mix200; NxM for N talkers and M listeners; allN for N who all talk, "+
			"s1xN for a screen and mixN for a screen and two talkers before N people; NAME*K for K such calls", name)
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
