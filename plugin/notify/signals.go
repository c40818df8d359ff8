package notify

import (
	"encoding/json"

	"calls/actors/call"
	"calls/actors/session"
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

func (n *Events) signal(to session.Address, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return n.one(to, wire.Signal{ConnID: string(to.Session), Data: string(b)})
}

// Refused tells a client that something it asked for, or its whole session, is not to be.
func (n *Events) Refused(to session.Address, code, message string) error {
	return n.one(to, wire.Refusal{ConnID: string(to.Session), Code: code, Data: message})
}

// ScreenRefused tells a client who shares already; nobody, when sharing is not allowed.
func (n *Events) ScreenRefused(to session.Address, holder session.UserID) error {
	return n.one(to, wire.ScreenRefused{ConnID: string(to.Session), CallID: string(n.callOf(to.Channel)), HolderID: string(holder)})
}

func (n *Events) one(to session.Address, e wire.Event) error {
	return n.user(to.User, call.ChannelID(to.Channel), e)
}
