package media

// stream is one client's TCP connection.
type stream struct{}
