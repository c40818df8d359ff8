package client

// window is how many numbers back a Continuity can still tell a late packet from a repeated one: 20 s of audio, several hundred frames of a screen.
const window = 4096

// Continuity is the book of a numbered stream: what came, what is missing, what came twice. Numbers do not wrap; unwrap extends those that do.
type Continuity struct {
	Received uint64 // numbers that came, each counted once
	First    uint64 // lowest
	Last     uint64 // highest
	Repeated uint64 // arrivals of a number that had come before
	Late     uint64 // first arrivals of a number below the highest
	Breaks   uint64 // times the highest number jumped by more than one
	Stale    uint64 // arrivals too old to be judged; counted in nothing else

	seen [window / 64]uint64
}

// Lost is how many numbers between the first and the last never came.
func (c Continuity) Lost() uint64 {
	if c.Received == 0 {
		return 0
	}
	return c.Last - c.First + 1 - c.Received
}

func (c *Continuity) add(n uint64) {
	switch {
	case c.Received == 0:
		c.First, c.Last = n, n
	case n > c.Last:
		c.advance(n)
	case c.Last-n >= window:
		c.Stale++
		return
	case c.has(n):
		c.Repeated++
		return
	default:
		c.Late++
		c.First = min(c.First, n)
	}
	c.Received++
	c.seen[n%window/64] |= 1 << (n % 64)
}

// advance makes n the highest number and forgets what the window leaves behind.
func (c *Continuity) advance(n uint64) {
	if n != c.Last+1 {
		c.Breaks++
	}
	if n-c.Last >= window {
		clear(c.seen[:])
	} else {
		for i := c.Last + 1; i <= n; i++ {
			c.seen[i%window/64] &^= 1 << (i % 64)
		}
	}
	c.Last = n
}

func (c *Continuity) has(n uint64) bool { return c.seen[n%window/64]&(1<<(n%64)) != 0 }

// unwrap extends 16-bit sequence numbers to numbers that do not wrap, taking each as the one nearest to the number before.
// It begins one cycle up, so that a packet from before the first one has a number too.
type unwrap struct {
	last    uint64
	started bool
}

func (u *unwrap) extend(seq uint16) uint64 {
	if !u.started {
		u.started, u.last = true, 1<<16+uint64(seq)
		return u.last
	}
	step := int64(int16(seq - uint16(u.last)))
	n := uint64(int64(u.last) + step)
	if step > 0 {
		u.last = n
	}
	return n
}
