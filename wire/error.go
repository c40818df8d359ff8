package wire

// Error is a refusal that a user may see. Everything else is logged and never shown.
type Error struct {
	Code    string // stable, for programs: "forbidden", "call_full", …
	Message string // for people
}

func (e *Error) Error() string { return e.Message }
