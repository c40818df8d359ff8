package wire

import "time"

// Names that every client has compiled in.
const (
	PluginID = "com.mattermost.calls"
	Prefix   = "custom_" + PluginID + "_" // of every action and, as clients see it, every event
)

// Sizes. What is larger is refused before anything is done with it.
const (
	IDLength          = 26        // of ids of users, channels, posts and connections: lower-case letters and digits
	MaxFrame          = 8 << 10   // bytes of a client's frame; the host closes the socket of a longer one
	MaxSDP            = 64 << 10  // bytes of a description's JSON, inflated
	MaxCandidate      = 1 << 10   // bytes of a candidate line
	MaxUfrag          = 256       // bytes of a user name fragment
	MaxMID            = 64        // bytes of an m-line's id
	MaxStreamID       = 256       // bytes of a MediaStream's id
	MaxTitle          = 1 << 10   // bytes of a call's title
	MaxEmoji          = 64        // bytes of each text that names a reaction: the longest short name has some fifty
	MaxBody           = 4 << 10   // bytes of an HTTP request's body
	MaxChannelMessage = 1 << 10   // bytes of a client's message on its data channel
	maxEncodedFrame   = MaxFrame  // what Encode makes must pass the host, too
	maxJSONField      = 4 << 10   // bytes of a JSON text inside a JSON text
	maxEvent          = 256 << 10 // bytes of an event's data that a client of ours reads
)

// Rates, each a token bucket: so many a second, and so many at once.
const (
	MessageRate    = 10 // per connection
	MessageBurst   = 100
	CandidateRate  = 10 // per connection: candidates and messages we do not know, so that neither eats the messages' budget
	CandidateBurst = 100
	HTTPRate       = 5 // per user
	HTTPBurst      = 30
	ChannelRate    = 50 // messages on a client's data channel: it may ask for the lock twenty times a second
	ChannelBurst   = 100

	// OverLimit is for how long a connection may stay over its rate before its session ends.
	OverLimit = 5 * time.Second
)
