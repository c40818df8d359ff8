package main

import (
	"errors"
	"os"
	"syscall"
	"time"

	"calls/actors"
)

const (
	parentEvery = 100 * time.Millisecond // how often it is looked at whether the host still lives
	portsPause  = 100 * time.Millisecond // between two tries to get the ports
	portsTries  = 20                     // two seconds: a former plugin that hangs will not let them go
)

// endWithHost ends the process when the host has died without stopping it, as a host does that is killed: the next one starts a plugin of its own, which needs the
// ports, and whoever is still connected here could neither be told anything nor hang up. Media goes silent at once, and clients come back to the new one.
func endWithHost() {
	awaitOrphaned(os.Getppid, time.NewTicker(parentEvery).C)
	os.Exit(1)
}

// awaitOrphaned returns when the process has another parent than at first, which happens on every system when the first one has died.
func awaitOrphaned(parent func() int, look <-chan time.Time) {
	for first := parent(); parent() == first; {
		<-look
	}
}

// patient starts an engine where it is wanted, also when that is not free at once: an admin has opened that port and no other.
func patient(start engineMaker) engineMaker {
	return func(cfg actors.Config, ports actors.Ports) (e engine, err error) {
		err = whenFree(func() { time.Sleep(portsPause) }, func() error {
			e, err = start(cfg, ports)
			return err
		})
		return e, err
	}
}

// whenFree tries again while an address is taken: the plugin of a host that has just died may still have it.
func whenFree(pause func(), try func() error) error {
	err := try()
	for n := 1; n < portsTries && errors.Is(err, syscall.EADDRINUSE); n++ {
		pause()
		err = try()
	}
	return err
}
