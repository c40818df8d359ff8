package wire

// Error is a refusal that a user may see. Everything else is logged and never shown.
type Error struct {
	Code    string // stable, for programs: "forbidden", "call_full", …
	Message string // for people
}

func (e *Error) Error() string { return e.Message }

// Codes of errors. Stock clients read only the message; ours decides by the code.
const (
	CodeForbidden   = "forbidden"
	CodeArchived    = "archived"
	CodeDisabled    = "calls_disabled"
	CodeCallFull    = "call_full"
	CodeCallEnded   = "call_ended"
	CodeConnected   = "already_connected"
	CodeRateLimited = "rate_limited"
	CodeInvalid     = "invalid"
	CodeFault       = "fault"
)

// Refusals in the words that clients have seen since 2022. They are shared: do not change one, compare by errors.As and Code.
var (
	ErrForbidden = &Error{CodeForbidden, "forbidden"}
	ErrArchived  = &Error{CodeArchived, "cannot join call in archived channel"}
	ErrDisabled  = &Error{CodeDisabled, "calls are not enabled"}
	ErrCallFull  = &Error{CodeCallFull, "user cannot join because of limits"}
	ErrCallEnded = &Error{CodeCallEnded, "call has ended"}
	ErrConnected = &Error{CodeConnected, "user is already connected"}
)
