package kittest

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// most is how much a pump runs at one go before it concludes that two actors play ping-pong for ever.
const most = 1_000_000

// Pump is a dispatcher that runs mailboxes on the test's goroutine, in the order in which they were woken.
type Pump struct {
	mu    sync.Mutex
	queue []func()
}

var _ actor.Dispatcher = (*Pump)(nil)

// Schedule queues fn. Any goroutine.
func (p *Pump) Schedule(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, fn)
}

// Throughput is as in production.
func (p *Pump) Throughput() int { return 300 }

// Run runs mailboxes until no actor has anything to do.
func (p *Pump) Run() {
	for range most {
		if !p.Step() {
			return
		}
	}
	panic("kittest: the actors do not come to rest")
}

// Step runs the mailbox that was woken first; false when none was.
func (p *Pump) Step() bool {
	p.mu.Lock()
	if len(p.queue) == 0 {
		p.mu.Unlock()
		return false
	}
	fn := p.queue[0]
	p.queue = p.queue[1:]
	p.mu.Unlock()
	fn()
	return true
}
