package wire

// Version answers GET /version. Clients decide by it what the server can do.
type Version struct {
	Version string `json:"version"`
	Build   string `json:"build"`
}

// ClientConfig answers GET /config. The keys below SKUShortName tell newer clients what is not there.
type ClientConfig struct {
	ICEServers           []string    `json:"ICEServers"` // null when there are none, as old clients expect; they take any list for servers to use
	ICEServersConfigs    []ICEServer `json:"ICEServersConfigs"`
	AllowEnableCalls     bool        `json:"AllowEnableCalls"`
	DefaultEnabled       bool        `json:"DefaultEnabled"`
	MaxCallParticipants  int         `json:"MaxCallParticipants"`
	NeedsTURNCredentials bool        `json:"NeedsTURNCredentials"`
	SKUShortName         string      `json:"sku_short_name"`

	AllowScreenSharing   bool `json:"AllowScreenSharing"`
	EnableRecordings     bool `json:"EnableRecordings"`
	EnableRinging        bool `json:"EnableRinging"`
	HostControlsAllowed  bool `json:"HostControlsAllowed"`
	EnableAV1            bool `json:"EnableAV1"`
	EnableSimulcast      bool `json:"EnableSimulcast"`
	EnableDCSignaling    bool `json:"EnableDCSignaling"`
	EnableTranscriptions bool `json:"EnableTranscriptions"`
	EnableLiveCaptions   bool `json:"EnableLiveCaptions"`
	GroupCallsAllowed    bool `json:"GroupCallsAllowed"`
	MaxRecordingDuration int  `json:"MaxRecordingDuration"` // minutes
}

// ICEServer is one entry of the ICE servers that clients use.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Channel answers GET /{channel_id} and is an element of GET /channels.
type Channel struct {
	ChannelID string `json:"channel_id"`
	Enabled   *bool  `json:"enabled,omitempty"` // newer clients take a missing one for no choice, older ones for false
	Call      *Call  `json:"call,omitempty"`
}

// Call is a call in the words of every client generation: Users and States for those that know people by user, Sessions for those that know sessions.
// No list is ever nil: clients call methods on them without looking.
type Call struct {
	ID                     string        `json:"id"`
	V                      uint64        `json:"v"`
	StartAt                int64         `json:"start_at"`
	Users                  []string      `json:"users"`
	States                 []UserState   `json:"states"` // States[i] is that of Users[i]
	Sessions               []CallSession `json:"sessions"`
	ThreadID               string        `json:"thread_id"`
	PostID                 string        `json:"post_id"`
	OwnerID                string        `json:"owner_id"`
	HostID                 string        `json:"host_id"`
	CreatorID              string        `json:"creator_id"`
	ScreenSharingID        string        `json:"screen_sharing_id"`
	ScreenSharingSessionID string        `json:"screen_sharing_session_id"`

	// DismissedNotification says that the one who reads this wants no more ringing for this call; nobody else is named.
	DismissedNotification map[string]bool `json:"dismissed_notification,omitempty"`
}

// UserState is what old clients know of a participant.
type UserState struct {
	Unmuted    bool  `json:"unmuted"`
	RaisedHand int64 `json:"raised_hand"`
}

// CallSession is what newer clients know of a participant, and whether it speaks, which ours shows at once.
type CallSession struct {
	SessionID  string `json:"session_id"`
	UserID     string `json:"user_id"`
	Unmuted    bool   `json:"unmuted"`
	RaisedHand int64  `json:"raised_hand"`
	Voice      bool   `json:"voice"`
}

// SetEnabled is the body of POST /{channel_id}.
type SetEnabled struct {
	Enabled *bool `json:"enabled"`
}

// Active answers GET /calls/{channel_id}/active.
type Active struct {
	Active bool `json:"active"`
}

// NewHost is the body of POST /calls/{channel_id}/host/make.
type NewHost struct {
	NewHostID string `json:"new_host_id"`
}

// SessionTarget is the body of the host's requests about one session.
type SessionTarget struct {
	SessionID string `json:"session_id"`
}

// Stats answers GET /stats.
type Stats struct {
	Calls       int `json:"calls"`        // that are on
	Sessions    int `json:"sessions"`     // in all of them
	Users       int `json:"users"`        // different people in all of them
	Screens     int `json:"screens"`      // calls in which somebody shares
	LargestCall int `json:"largest_call"` // sessions in the largest
	ChannelsOn  int `json:"channels_enabled"`
	ChannelsOff int `json:"channels_disabled"`
}

// Status answers POST requests, good or bad, and refusals for too many requests.
type Status struct {
	Message    string `json:"message"`
	StatusCode int    `json:"status_code"`
}
