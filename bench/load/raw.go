package load

import (
	"context"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"calls/bench/client"
	"calls/bench/sfu/limit"
	"calls/bench/signal"
)

const headerSize = 12

// rawPerson is a participant of the limit: a socket that sends what a person sends, in clear, and counts what comes.
type rawPerson struct {
	id      uint32
	role    role
	sampled bool
	addr    netip.Addr
	hub     *Hub
	socket  *Socket
	server  netip.AddrPort
	aead    cipher.AEAD
	nonce   [12]byte

	count   atomic.Uint64
	stop    chan struct{}
	done    chan struct{}
	delayed chan client.Histogram // holds the one there is
	buf     []byte
	seq     uint16
}

func newRawPerson(h *Hub, addr netip.Addr, id uint32, r role, sampled bool) (*rawPerson, error) {
	aead, err := limit.NewAEAD()
	p := &rawPerson{id: id, role: r, sampled: sampled, addr: addr, hub: h, aead: aead, delayed: make(chan client.Histogram, 1)}
	p.delayed <- client.Histogram{}
	return p, err
}

func (p *rawPerson) join(_ context.Context, server, call string) (err error) {
	var use Use
	if p.sampled {
		use = Use{Noted: true, Tap: p.sample}
	}
	if p.socket, err = p.hub.Open(p.addr, use); err != nil {
		return err
	}
	conn, err := signal.Dial(server)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.Send(signal.Message{Type: signal.Join, Call: call, Text: p.socket.addr.String()}); err != nil {
		return err
	}
	m, err := conn.Receive()
	if err == nil && m.Type != signal.Joined {
		err = fmt.Errorf("the limit says: %s", m.Text)
	}
	if err == nil {
		p.server, err = netip.ParseAddrPort(m.Text)
	}
	return err
}

// sample opens a packet and notes how long it was on its way. The hub calls it.
func (p *rawPerson) sample(b []byte, at time.Time) {
	if at.IsZero() {
		return
	}
	limit.Nonce(&p.nonce, b)
	plain, err := p.aead.Open(b[headerSize:headerSize], p.nonce[:], b[headerSize:], b[:headerSize])
	if err != nil {
		return
	}
	if stamp, ok := client.ReadStamp(plain); ok {
		h := <-p.delayed
		h.Add(at.Sub(stamp.Sent))
		p.delayed <- h
	}
}

func (p *rawPerson) publish(context.Context) error {
	p.buf = make([]byte, headerSize+100)
	if p.role == shares {
		p.buf = make([]byte, headerSize+1100)
	}
	p.buf[0] = 0x80
	binary.BigEndian.PutUint32(p.buf[8:], p.id)
	p.resume()
	return nil
}

func (p *rawPerson) sends() bool { return p.role != listens }

func (p *rawPerson) resume() {
	if !p.sends() || p.stop != nil {
		return
	}
	time.Sleep(phase(p.id))
	p.stop, p.done = make(chan struct{}), make(chan struct{})
	go p.run(p.stop, p.done)
}

func (p *rawPerson) pause() {
	if p.stop != nil {
		close(p.stop)
		<-p.done
		p.stop = nil
	}
}

func (p *rawPerson) run(stop, done chan struct{}) {
	defer close(done)
	every, packets := time.Second/voiceRate, 1
	if p.role == shares {
		packets = 8
		every = time.Second * 8 / screenRate
	}
	timer := time.NewTimer(0) // not a ticker: what is late is sent late, as a person's client does
	defer timer.Stop()
	for due := time.Now(); ; due = due.Add(every) {
		timer.Reset(time.Until(due))
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		for range packets {
			p.send()
		}
	}
}

func (p *rawPerson) send() {
	binary.BigEndian.PutUint16(p.buf[2:], p.seq)
	client.Stamp{Origin: p.id, Count: p.count.Load(), Sent: time.Now()}.Put(p.buf[headerSize:])
	if _, err := p.socket.send(p.buf, p.server); err == nil {
		p.seq++
		p.count.Add(1)
	}
}

func (p *rawPerson) sent() uint64 { return p.count.Load() }

func (p *rawPerson) received() (packets, padded uint64) { return p.socket.packets.Load(), 0 }

func (p *rawPerson) delays() client.Histogram {
	h := <-p.delayed
	p.delayed <- h
	return h
}

func (p *rawPerson) negotiations() int { return 0 }

func (p *rawPerson) close() {
	p.pause()
	if p.socket != nil {
		_ = p.socket.Close()
	}
}
