package turn

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/stun"
)

const (
	headerSize    = 20
	cookie        = 0x2112A442
	channelHeader = 4
	firstChannel  = 0x4000
	maxMessage    = 2048 // longer than anything that is sent here or taken

	sendIndication = 0x0016
	dataIndication = 0x0017
	attrPeer       = 0x0012
	attrData       = 0x0013
	familyIPv4     = 1

	transportUDP = 17
	maxTries     = 3 // with what a server says about its nonce
)

// How long an answer is waited for: a request over UDP is repeated after each of these.
var retransmits = []time.Duration{300 * time.Millisecond, 600 * time.Millisecond, 1200 * time.Millisecond, 2400 * time.Millisecond, 2 * time.Second}

// errNoAnswer says that the server does not answer.
var errNoAnswer = errors.New("no answer")

// auth is what proves to the server who asks: names and a password, and what the server said when it was first asked.
type auth struct {
	username, password string
	realm              stun.Realm
	nonce              stun.Nonce
}

// sign is what goes to the end of a request; nothing before the server has named its realm.
func (a *auth) sign() []stun.Setter {
	if len(a.nonce) == 0 {
		return []stun.Setter{stun.Fingerprint}
	}
	key := stun.NewLongTermIntegrity(a.username, a.realm.String(), a.password)
	return []stun.Setter{stun.NewUsername(a.username), a.realm, a.nonce, key, stun.Fingerprint}
}

// challenged takes over what a refusal says of realm and nonce, and says whether that is new.
func (a *auth) challenged(m *stun.Message) bool {
	var code stun.ErrorCodeAttribute
	if code.GetFrom(m) != nil || (code.Code != stun.CodeUnauthorized && code.Code != stun.CodeStaleNonce) {
		return false
	}
	var nonce stun.Nonce
	if nonce.GetFrom(m) != nil || string(nonce) == string(a.nonce) || (code.Code == stun.CodeUnauthorized && len(a.nonce) > 0) {
		return false // the second time it is the password that is wrong
	}
	var realm stun.Realm
	if realm.GetFrom(m) == nil {
		a.realm = append(stun.Realm(nil), realm...)
	}
	a.nonce = append(stun.Nonce(nil), nonce...)
	return len(a.realm) > 0
}

// ask sends a request and waits for the answer, again when the server wants another nonce. Only one goroutine asks at a time.
func (c *Client) ask(method stun.Method, end <-chan struct{}, what ...stun.Setter) (*stun.Message, error) {
	for range maxTries {
		m, err := stun.Build(append(append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, what...), c.auth.sign()...)...)
		if err != nil {
			return nil, err
		}
		answer, err := c.roundTrip(m, end)
		if err != nil {
			return nil, err
		}
		if answer.Type == stun.NewType(method, stun.ClassSuccessResponse) {
			return answer, nil
		}
		if !c.auth.challenged(answer) {
			return nil, refusal(answer)
		}
	}
	return nil, errors.New("the server asks for another nonce each time")
}

// refusal is what a server says when it refuses.
func refusal(m *stun.Message) error {
	var code stun.ErrorCodeAttribute
	if code.GetFrom(m) != nil {
		return fmt.Errorf("the server answers with %s", m.Type)
	}
	reason := code.Reason[:min(len(code.Reason), 100)]
	return fmt.Errorf("the server refuses: error %d %q", code.Code, reason)
}

// roundTrip sends a request until its answer comes or nobody wants it any more.
func (c *Client) roundTrip(m *stun.Message, end <-chan struct{}) (*stun.Message, error) {
	id := m.TransactionID
	select { // what came late for the one before
	case <-c.answers:
	default:
	}
	c.waiting.Store(&id)
	defer c.waiting.Store(nil)
	for i, wait := range retransmits {
		if i == 0 || !c.stream {
			if err := c.write(m.Raw); err != nil {
				return nil, err
			}
		}
		timer := time.NewTimer(wait)
		select {
		case answer := <-c.answers:
			timer.Stop()
			if answer.TransactionID == id {
				return answer, nil
			}
		case <-end:
			timer.Stop()
			return nil, cmp.Or(c.Err(), ErrClosed)
		case <-timer.C:
		}
	}
	return nil, errNoAnswer
}

// allocate asks for the relayed address.
func (c *Client) allocate() (lifetime time.Duration, err error) {
	m, err := c.ask(stun.MethodAllocate, c.closed, attribute(stun.AttrRequestedTransport, []byte{transportUDP, 0, 0, 0}))
	if err != nil {
		return 0, err
	}
	var at stun.XORMappedAddress
	if err := at.GetFromAs(m, stun.AttrXORRelayedAddress); err != nil {
		return 0, fmt.Errorf("no relayed address in the answer: %w", err)
	}
	ip, ok := netip.AddrFromSlice(at.IP)
	if ip = ip.Unmap(); !ok || !ip.Is4() || ip.IsUnspecified() || ip.IsMulticast() || at.Port <= 0 || at.Port > 65535 {
		return 0, fmt.Errorf("the server gives the relayed address %v", at)
	}
	c.relayed = netip.AddrPortFrom(ip, uint16(at.Port))
	return lifetimeOf(m), nil
}

// defaultLifetime is that of RFC 8656.
const defaultLifetime = 10 * time.Minute

func lifetimeOf(m *stun.Message) time.Duration {
	v, err := m.Get(stun.AttrLifetime)
	if err != nil || len(v) != 4 {
		return defaultLifetime
	}
	return time.Duration(binary.BigEndian.Uint32(v)) * time.Second
}

func (c *Client) refresh(lifetime time.Duration) (time.Duration, error) {
	m, err := c.ask(stun.MethodRefresh, c.closed, lifetimeAttribute(lifetime))
	if err != nil {
		return 0, err
	}
	return lifetimeOf(m), nil
}

// giveBack is a refresh to no lifetime at all.
func (c *Client) giveBack() {
	enough := make(chan struct{})
	timer := time.AfterFunc(farewell, func() { close(enough) })
	defer timer.Stop()
	_, _ = c.ask(stun.MethodRefresh, enough, lifetimeAttribute(0)) // a server that does not hear it forgets by itself
}

func lifetimeAttribute(d time.Duration) stun.Setter {
	return attribute(stun.AttrLifetime, binary.BigEndian.AppendUint32(nil, uint32(d/time.Second)))
}

func (c *Client) permit(a netip.Addr) error {
	_, err := c.ask(stun.MethodCreatePermission, c.closed, peerAttribute(netip.AddrPortFrom(a, 0)))
	return err
}

func (c *Client) channel(to netip.AddrPort, number uint16) error {
	_, err := c.ask(stun.MethodChannelBind, c.closed, attribute(stun.AttrChannelNumber, []byte{byte(number >> 8), byte(number), 0, 0}), peerAttribute(to))
	return err
}

func attribute(t stun.AttrType, value []byte) stun.Setter {
	return stun.RawAttribute{Type: t, Length: uint16(len(value)), Value: value}
}

func peerAttribute(a netip.AddrPort) stun.Setter {
	v := appendPeer(nil, a)
	return attribute(stun.AttrXORPeerAddress, v)
}

// appendPeer writes an address as XOR-PEER-ADDRESS has it.
func appendPeer(b []byte, a netip.AddrPort) []byte {
	ip := a.Addr().As4()
	b = append(b, 0, familyIPv4)
	b = binary.BigEndian.AppendUint16(b, a.Port()^(cookie>>16))
	return binary.BigEndian.AppendUint32(b, binary.BigEndian.Uint32(ip[:])^cookie)
}

func readPeer(v []byte) (netip.AddrPort, bool) {
	if len(v) != 8 || v[1] != familyIPv4 {
		return netip.AddrPort{}, false
	}
	ip := binary.BigEndian.Uint32(v[4:]) ^ cookie
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, ip))), binary.BigEndian.Uint16(v[2:])^(cookie>>16)), true
}

// appendSendIndication writes a datagram in the long form.
func appendSendIndication(b []byte, to netip.AddrPort, data []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, sendIndication)
	b = binary.BigEndian.AppendUint16(b, uint16(4+8+4+padded(len(data))))
	b = binary.BigEndian.AppendUint32(b, cookie)
	id := stun.NewTransactionID()
	b = append(b, id[:]...)
	b = append(b, 0, attrPeer, 0, 8)
	b = appendPeer(b, to)
	b = append(b, 0, attrData)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return pad(append(b, data...), len(data))
}

// appendChannelData writes a datagram in the short form.
func appendChannelData(b []byte, number uint16, data []byte, stream bool) []byte {
	b = binary.BigEndian.AppendUint16(b, number)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	b = append(b, data...)
	if stream {
		b = pad(b, len(data))
	}
	return b
}

func padded(n int) int { return (n + 3) &^ 3 }

func pad(b []byte, n int) []byte { return append(b, make([]byte, padded(n)-n)...) }
