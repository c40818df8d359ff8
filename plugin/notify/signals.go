package notify

import (
	"encoding/json"
	"strings"

	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/i18n"
	"calls/wire"
)

// Joined acknowledges a join.
func (n *Events) Joined(to session.Address) error {
	return n.one(to, wire.JoinAck{ConnID: string(to.Session)})
}

// Description sends a session description.
func (n *Events) Description(to session.Address, kind, sdp string) error {
	return n.signal(to, struct {
		Type string `json:"type"`
		SDP  string `json:"sdp"`
	}{kind, sdp})
}

// Candidate trickles a candidate of the server's.
func (n *Events) Candidate(to session.Address, candidateJSON string) error {
	return n.signal(to, struct {
		Type      string          `json:"type"`
		Candidate json.RawMessage `json:"candidate"`
	}{"candidate", json.RawMessage(candidateJSON)})
}

// Renegotiate asks a client on simple-peer for an offer. Other clients would not understand it.
func (n *Events) Renegotiate(to session.Address) error {
	return n.signal(to, struct {
		Type        string `json:"type"` // the web client lets no other through
		Renegotiate bool   `json:"renegotiate"`
	}{"candidate", true})
}

func (n *Events) signal(to session.Address, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return n.one(to, wire.Signal{ConnID: string(to.Session), Data: string(b)})
}

// Refused tells a client that something it asked for, or its whole session, is not to be.
func (n *Events) Refused(to session.Address, code, message string) error {
	if key := "error." + code; n.locale != nil && i18n.Has(key) {
		if locale := n.locale(to.User); !strings.HasPrefix(locale, i18n.Fallback) {
			message = i18n.T(locale, key)
		}
	}
	return n.one(to, wire.Refusal{ConnID: string(to.Session), Code: code, Data: message})
}

// ScreenRefused tells a client who shares already; nobody, when sharing is not allowed.
func (n *Events) ScreenRefused(to session.Address, holder session.UserID) error {
	return n.one(to, wire.ScreenRefused{ConnID: string(to.Session), CallID: string(n.callOf(to.Channel)), HolderID: string(holder)})
}

func (n *Events) one(to session.Address, e wire.Event) error {
	return n.user(to.User, call.ChannelID(to.Channel), e)
}
