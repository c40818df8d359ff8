package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/transport/v2"

	"calls/bench/client"
	"calls/bench/signal"
	"calls/wire"
)

// person is one participant: a signalling connection and one or two connections for media.
type person struct {
	id      uint32
	role    role
	sampled bool
	addr    netip.Addr
	hub     *Hub
	conn    *signal.Conn
	joined  chan error
	began   time.Time

	mu      sync.Mutex
	err     error
	pcs     map[string]*client.Client // by the PC of their messages
	sockets []*Socket
	offers  int // of the server's
	dual    bool
	channel bool
}

func newPerson(h *Hub, addr netip.Addr, id uint32, r role, sampled bool) *person {
	return &person{id: id, role: r, sampled: sampled, addr: addr, hub: h, joined: make(chan error, 1), pcs: map[string]*client.Client{}}
}

// join lets the person into a call and, but for one who only listens through a connection of its own, waits until media can flow.
func (p *person) join(ctx context.Context, server, call string) (err error) {
	p.began = time.Now()
	if p.conn, err = signal.Dial(server); err != nil {
		return err
	}
	go p.listen()
	if err := p.conn.Send(signal.Message{Type: signal.Join, Call: call, User: fmt.Sprintf("user%022d", p.id)}); err != nil {
		return err
	}
	select {
	case err := <-p.joined:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("person %d was not let in: %w", p.id, ctx.Err()), p.failure())
	}
	if p.dual {
		return nil // connected when there is something to hear
	}
	c, err := p.make("")
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	return p.wait(ctx, c)
}

func (p *person) wait(ctx context.Context, c *client.Client) error {
	if err := c.WaitConnected(ctx); err != nil {
		return errors.Join(fmt.Errorf("person %d: %w", p.id, err), p.failure())
	}
	return nil
}

// make makes the connection of a name.
func (p *person) make(name string) (*client.Client, error) {
	c, err := client.New(client.Config{
		ID: p.id, Signalling: pcSignalling{p, name}, Reports: true, Loopback: p.addr.IsLoopback(), NoChannel: !p.channel,
		Listen: p.listenUDP, Arrival: p.arrival,
	})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.pcs[name] = c
	p.mu.Unlock()
	return c, nil
}

// listenUDP gives pion a socket of the hub's; of the machine's other addresses we want none.
func (p *person) listenUDP(addr *net.UDPAddr) (transport.UDPConn, error) {
	if ip, ok := netip.AddrFromSlice(addr.IP.To4()); !ok || ip != p.addr {
		return nil, net.InvalidAddrError("not the bench's address")
	}
	s, err := p.hub.Open(p.addr, Use{Sampled: p.sampled})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.sockets = append(p.sockets, s)
	p.mu.Unlock()
	return s, nil
}

func (p *person) arrival(ssrc uint32, seq uint16) time.Time {
	for _, s := range p.sockets { // none is added once media flow
		if at := s.Arrival(ssrc, seq); !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// publish begins what the person's role is.
func (p *person) publish(ctx context.Context) (err error) {
	if p.role == listens {
		return nil
	}
	c := p.pc("")
	if p.dual {
		if c, err = p.make("pub"); err != nil {
			return err
		}
		if p.channel {
			if err = c.Start(); err != nil {
				return err
			}
		}
	}
	if p.role == talks {
		err = c.Unmute(ctx, client.Voice{Size: 100})
	} else {
		err = c.Share(ctx, client.Picture{})
	}
	if err != nil {
		return errors.Join(fmt.Errorf("person %d: %w", p.id, err), p.failure())
	}
	return nil
}

func (p *person) pc(name string) *client.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pcs[name]
}

// sender and receiver are the connection that sends, and the one that receives.
func (p *person) sender() *client.Client {
	if p.dual {
		return p.pc("pub")
	}
	return p.pc("")
}

func (p *person) receiver() *client.Client {
	if p.dual {
		return p.pc("sub")
	}
	return p.pc("")
}

func (p *person) kind() client.Kind {
	if p.role == shares {
		return client.Screen
	}
	return client.Audio
}

func (p *person) pause() {
	if c := p.sender(); c != nil && p.sends() {
		c.Pause(p.kind())
	}
}

// resume goes on sending. People do not speak in step: each has a place of its own in the 20 ms of a packet, the same in every run.
func (p *person) resume() {
	if c := p.sender(); c != nil && p.role != listens {
		time.Sleep(phase(p.id))
		c.Resume(p.kind())
	}
}

func phase(id uint32) time.Duration { return time.Duration(id*7%20) * time.Millisecond }

func (p *person) sends() bool { return p.role != listens }

func (p *person) delays() client.Histogram {
	if c := p.receiver(); p.sampled && c != nil {
		return c.Delays()
	}
	return client.Histogram{}
}

// sent counts the packets that the person sent.
func (p *person) sent() uint64 {
	if c := p.sender(); c != nil && p.role != listens {
		return c.Sent(p.kind())
	}
	return 0
}

// received counts the packets that came, and how many of them only padded.
func (p *person) received() (packets, padded uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sockets {
		packets += s.packets.Load()
		padded += s.padded.Load()
	}
	return packets - padded, padded
}

// listen handles the server's messages.
func (p *person) listen() {
	for {
		m, err := p.conn.Receive()
		if err != nil {
			return
		}
		switch m.Type {
		case signal.Joined:
			p.dual, p.channel = m.Dual, !m.NoChannel
			var err error
			if p.dual { // at once: the offer for it may be the next message
				_, err = p.make("sub")
			}
			p.joined <- err
		case signal.Offer, signal.Answer:
			if c := p.pc(m.PC); c != nil {
				p.mu.Lock()
				p.offers++
				p.mu.Unlock()
				c.HandleSignal(m.Type, m.SDP)
			}
		case signal.Candidate:
			if c := p.pc(m.PC); c != nil {
				c.HandleCandidate(m.Candidate)
			}
		case signal.Error:
			p.mu.Lock()
			p.err = errors.Join(p.err, fmt.Errorf("the server says: %s", m.Text))
			p.mu.Unlock()
		}
	}
}

// failure is what went wrong by itself so far.
func (p *person) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.err
	for _, c := range p.pcs {
		err = errors.Join(err, c.Err())
	}
	return err
}

func (p *person) negotiations() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.offers
}

func (p *person) close() {
	if p.conn != nil {
		_ = p.conn.Send(signal.Message{Type: signal.Leave})
	}
	p.mu.Lock()
	pcs := p.pcs
	p.mu.Unlock()
	for _, c := range pcs {
		_ = c.Close()
	}
	if p.conn != nil {
		_ = p.conn.Close()
	}
}

// pcSignalling carries the messages of one connection.
type pcSignalling struct {
	p  *person
	pc string
}

// Send translates a client's message.
func (s pcSignalling) Send(msg wire.Message) error {
	m := signal.Message{PC: s.pc}
	switch v := msg.(type) {
	case wire.SDP:
		m.Type, m.SDP = v.Type, v.SDP
	case wire.ICE:
		text, err := json.Marshal(map[string]any{
			"candidate": v.Candidate, "sdpMid": v.SDPMid, "sdpMLineIndex": v.SDPMLineIndex, "usernameFragment": v.UsernameFragment,
		})
		if err != nil {
			return err
		}
		m.Type, m.Candidate = signal.Candidate, string(text)
	case wire.Unmute:
		m.Type = signal.Unmute
	case wire.ScreenOn:
		m.Type, m.Stream = signal.ScreenOn, v.ScreenStreamID
	default:
		return nil
	}
	return s.p.conn.Send(m)
}
