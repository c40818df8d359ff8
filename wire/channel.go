package wire

import (
	"bytes"
	"maps"
	"math"
	"slices"

	"github.com/vmihailenco/msgpack/v5"
)

// What client and server say on the data channel that every client opens (protocol 7.6). The first clients that used it ping in text. All others speak MessagePack,
// flat: an integer that names the message, and behind it its value, if it has one. What stands behind that is not looked at: newer clients may say more.

// channelType is the integer that names a message.
type channelType uint64

const (
	channelPing channelType = iota + 1
	channelPong
	channelSDP // descriptions come on the socket: /config tells clients so
	channelLoss
	channelRoundTrip
	channelJitter
	channelLock
	channelUnlock
	channelMediaMap
)

// ChannelMessage is what a client says on its data channel: Ping, Measured, Lock or Unlock.
type ChannelMessage interface{ isChannelMessage() }

type (
	// Ping asks for a Pong in the same form.
	Ping struct{ Text bool }
	// Measured is one figure that a client has measured of its connection.
	Measured struct {
		What  Measure
		Value float64
	}
	// Lock asks for the right to negotiate; LockReply says whether the client has it.
	Lock struct{}
	// Unlock gives it back.
	Unlock struct{}
)

// Measure names a figure.
type Measure string

// What clients measure.
const (
	Loss      Measure = "loss"       // share of packets
	RoundTrip Measure = "round_trip" // seconds
	Jitter    Measure = "jitter"     // seconds
)

// ChannelReply is what the server says: Pong, LockReply or MediaMap.
type ChannelReply interface{ isChannelReply() }

type (
	// Pong answers a Ping.
	Pong struct{ Text bool }
	// LockReply answers a Lock.
	LockReply struct{ Granted bool }
	// MediaMap says which session's media each m-line carries from now on, by mid. It is always whole: a line that is missing carries nobody's.
	MediaMap map[string]MediaLine
	// MediaLine is one of its lines.
	MediaLine struct {
		Type     string // voice, screen or screen-audio
		SenderID string // session
	}
)

func (Ping) isChannelMessage()     {}
func (Measured) isChannelMessage() {}
func (Lock) isChannelMessage()     {}
func (Unlock) isChannelMessage()   {}

func (Pong) isChannelReply()      {}
func (LockReply) isChannelReply() {}
func (MediaMap) isChannelReply()  {}

const textPing, textPong = "ping", "pong"

// DecodeChannel reads what a client said. It fails with ErrUnknown for what is not known here, or an *Error for what is malformed; both are to be ignored.
func DecodeChannel(data []byte, text bool) (ChannelMessage, error) {
	if text {
		if string(data) == textPing {
			return Ping{Text: true}, nil
		}
		return nil, ErrUnknown
	}
	d, typ, err := openChannel(data, MaxChannelMessage)
	if err != nil {
		return nil, err
	}
	switch typ {
	case channelPing:
		return Ping{}, nil
	case channelLock:
		return Lock{}, nil
	case channelUnlock:
		return Unlock{}, nil
	case channelLoss:
		return measured(d, Loss)
	case channelRoundTrip:
		return measured(d, RoundTrip)
	case channelJitter:
		return measured(d, Jitter)
	}
	return nil, ErrUnknown
}

// openChannel reads the integer that names a message, in whichever width it was written.
func openChannel(data []byte, limit int) (*msgpack.Decoder, channelType, error) {
	if len(data) > limit {
		return nil, 0, invalid("data channel: longer than %d bytes", limit)
	}
	if len(data) == 0 || data[0] == nilCode { // which the decoder takes for a zero
		return nil, 0, invalid("data channel: no type")
	}
	d := msgpack.NewDecoder(bytes.NewReader(data))
	typ, err := d.DecodeUint64()
	if err != nil {
		return nil, 0, invalid("data channel: the type is no integer")
	}
	return d, channelType(typ), nil
}

const nilCode = 0xc0

func measured(d *msgpack.Decoder, what Measure) (ChannelMessage, error) {
	v, err := d.DecodeFloat64()
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return nil, invalid("data channel: %s is no figure", what)
	}
	return Measured{what, v}, nil
}

// EncodeChannel writes what a client says.
func EncodeChannel(m ChannelMessage) (data []byte, text bool) {
	switch m := m.(type) {
	case Ping:
		if m.Text {
			return []byte(textPing), true
		}
		return []byte{byte(channelPing)}, false
	case Lock:
		return []byte{byte(channelLock)}, false
	case Unlock:
		return []byte{byte(channelUnlock)}, false
	case Measured:
		typ := map[Measure]channelType{Loss: channelLoss, RoundTrip: channelRoundTrip, Jitter: channelJitter}[m.What]
		return channelBytes(typ, func(e *msgpack.Encoder) error { return e.EncodeFloat64(m.Value) }), false
	}
	return nil, false
}

// EncodeReply writes what the server says, in the forms that upstream's server uses: the type takes two bytes.
func EncodeReply(r ChannelReply) (data []byte, text bool) {
	switch r := r.(type) {
	case Pong:
		if r.Text {
			return []byte(textPong), true
		}
		return channelBytes(channelPong, nil), false
	case LockReply:
		return channelBytes(channelLock, func(e *msgpack.Encoder) error { return e.EncodeBool(r.Granted) }), false
	case MediaMap:
		return channelBytes(channelMediaMap, r.encode), false
	}
	return nil, false
}

// channelBytes makes one message. Writing to memory does not fail.
func channelBytes(typ channelType, value func(*msgpack.Encoder) error) []byte {
	var b bytes.Buffer
	e := msgpack.NewEncoder(&b)
	_ = e.EncodeUint8(uint8(typ))
	if value != nil {
		_ = value(e)
	}
	return b.Bytes()
}

// encode writes the lines in the order of their mids, so that two equal maps are equal bytes.
func (m MediaMap) encode(e *msgpack.Encoder) error {
	_ = e.EncodeMapLen(len(m))
	for _, mid := range slices.Sorted(maps.Keys(m)) {
		_ = e.EncodeString(mid)
		_ = e.EncodeMapLen(2)
		for _, text := range []string{"type", m[mid].Type, "sender_id", m[mid].SenderID} {
			_ = e.EncodeString(text)
		}
	}
	return nil
}

// DecodeReply reads what the server said, for clients of ours.
func DecodeReply(data []byte, text bool) (ChannelReply, error) {
	if text {
		if string(data) == textPong {
			return Pong{Text: true}, nil
		}
		return nil, ErrUnknown
	}
	d, typ, err := openChannel(data, maxEvent)
	if err != nil {
		return nil, err
	}
	switch typ {
	case channelPong:
		return Pong{}, nil
	case channelLock:
		granted, err := d.DecodeBool()
		if err != nil {
			return nil, invalid("data channel: lock without an answer")
		}
		return LockReply{granted}, nil
	case channelMediaMap:
		return decodeMediaMap(d)
	}
	return nil, ErrUnknown
}

func decodeMediaMap(d *msgpack.Decoder) (ChannelReply, error) {
	n, err := d.DecodeMapLen()
	if err != nil {
		return nil, invalid("data channel: media map without a map")
	}
	m := MediaMap{}
	for range max(n, 0) { // a length that lies ends with the data
		mid, err := d.DecodeString()
		if err != nil {
			return nil, invalid("data channel: media map with a line that has no mid")
		}
		if m[mid], err = decodeMediaLine(d); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func decodeMediaLine(d *msgpack.Decoder) (line MediaLine, err error) {
	broken := invalid("data channel: media map with a broken line")
	n, err := d.DecodeMapLen()
	if err != nil {
		return line, broken
	}
	for range max(n, 0) {
		key, err := d.DecodeString()
		if err != nil {
			return line, broken
		}
		switch key {
		case "type":
			line.Type, err = d.DecodeString()
		case "sender_id":
			line.SenderID, err = d.DecodeString()
		default:
			err = d.Skip()
		}
		if err != nil {
			return line, broken
		}
	}
	return line, nil
}
