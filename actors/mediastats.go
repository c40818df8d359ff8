package actors

// MediaLoop is what one of the loops on the media port has done so far, and what it has got of the kernel.
type MediaLoop struct {
	DatagramsIn, DatagramsOut uint64
	Dropped                   uint64 // could not be sent: no address yet, or no room in the socket
	Refused                   uint64 // malformed, or from nobody known
	HandedOn                  uint64 // came here and belong to another loop
	Segmented                 uint64 // of those sent, in messages that the kernel cut up
	Unsegmented               uint64 // such messages that it refused to cut up
	Quarantines               uint64 // times that the loop hung and was replaced
	Panics                    uint64 // recovered
	ReadBuffer, WriteBuffer   int    // bytes of the socket
}

// MediaLoops are all of them.
func (e *Engine) MediaLoops() (loops []MediaLoop) {
	if e.media == nil {
		return nil
	}
	for _, sh := range e.media.Shards() {
		s := sh.Stats()
		loops = append(loops, MediaLoop{
			DatagramsIn: s.DatagramsIn, DatagramsOut: s.DatagramsOut, Dropped: s.SendDropped, Refused: s.Refused, HandedOn: s.HandedOn,
			Segmented: s.Segmented, Unsegmented: s.Unsegmented, Quarantines: s.Quarantines, Panics: s.Panics, ReadBuffer: s.ReadBuffer, WriteBuffer: s.WriteBuffer,
		})
	}
	return loops
}
