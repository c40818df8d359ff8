package wire

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
)

// Encode makes the frame that carries a client's message to the host. A binary frame is MessagePack, any other is JSON text.
func Encode(m Message, seq int64) (frame []byte, binary bool, err error) {
	if sdp, ok := m.(SDP); ok {
		frame, err = encodeSDP(sdp, seq)
		binary = true
	} else {
		frame, err = encodeJSON(m, seq)
	}
	if err == nil && len(frame) > maxEncodedFrame {
		err = fmt.Errorf("%T of %d bytes: the host takes at most %d", m, len(frame), maxEncodedFrame)
	}
	return frame, binary, err
}

type jsonFrame struct {
	Action string         `json:"action"`
	Seq    int64          `json:"seq"`
	Data   map[string]any `json:"data,omitempty"`
}

func encodeJSON(m Message, seq int64) ([]byte, error) {
	name, data, err := split(m)
	if err != nil {
		return nil, err
	}
	return json.Marshal(jsonFrame{Prefix + name, seq, data})
}

// split takes a message apart into its action and its data, as the host's request carries them.
func split(m Message) (name string, data map[string]any, err error) {
	switch m := m.(type) {
	case Join:
		data = map[string]any{"channelID": m.ChannelID}
		if m.Title != "" {
			data["title"] = m.Title
		}
		if m.ThreadID != "" {
			data["threadID"] = m.ThreadID
		}
		return "join", data, nil
	case Reconnect:
		return "reconnect", map[string]any{"channelID": m.ChannelID, "originalConnID": m.OriginalConnID, "prevConnID": m.PrevConnID}, nil
	case ICE:
		data, err = outer(iceJSON(m))
		return "ice", data, err
	case ScreenOn:
		data, err = outer(screenOnJSON(m))
		return "screen_on", data, err
	case React:
		data, err = outer(m.Emoji)
		return "react", data, err
	case CallStateRequest:
		return "call_state", map[string]any{"channelID": m.ChannelID}, nil
	case Leave:
		return "leave", nil, nil
	case Mute:
		return "mute", nil, nil
	case Unmute:
		return "unmute", nil, nil
	case ScreenOff:
		return "screen_off", nil, nil
	case RaiseHand:
		return "raise_hand", nil, nil
	case UnraiseHand:
		return "unraise_hand", nil, nil
	}
	return "", nil, fmt.Errorf("no frame for a %T", m)
}

// outer holds JSON as text in data.data.
func outer(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	return map[string]any{"data": string(b)}, err
}

// encodeSDP writes a map of three in the order and the forms that the stock clients use.
func encodeSDP(m SDP, seq int64) ([]byte, error) {
	text, err := json.Marshal(sdpJSON(m))
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err = z.Write(text); err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, err
	}
	var frame bytes.Buffer
	e := msgpack.NewEncoder(&frame)
	for _, write := range []func() error{
		func() error { return e.EncodeMapLen(3) },
		func() error { return e.EncodeString("action") },
		func() error { return e.EncodeString(Prefix + "sdp") },
		func() error { return e.EncodeString("seq") },
		func() error { return e.EncodeInt(seq) },
		func() error { return e.EncodeString("data") },
		func() error { return e.EncodeMapLen(1) },
		func() error { return e.EncodeString("data") },
		func() error { return e.EncodeBytes(packed.Bytes()) },
	} {
		if err := write(); err != nil {
			return nil, err
		}
	}
	return frame.Bytes(), nil
}
