package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	oggHeaderSize = 27
	// maxOggPackets bounds what a broken or hostile file can make us keep: an hour of 20 ms packets.
	maxOggPackets = 180_000
	// maxOggPacket bounds one packet; Opus packets are smaller than 62 KiB, comment headers are cut by the same rule.
	maxOggPacket = 1 << 16
)

// ReadOpus reads the Opus packets of an Ogg file (RFC 7845), without the two header packets. It goes by the segment tables, because a page holds many packets
// and a packet may run over pages; it does not check sums.
func ReadOpus(r io.Reader) ([][]byte, error) {
	var packets [][]byte
	var partial []byte
	for {
		segments, payload, err := readOggPage(r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("ogg page after packet %d: %w", len(packets), err)
		}
		for _, size := range segments {
			partial = append(partial, payload[:size]...)
			payload = payload[size:]
			if len(partial) > maxOggPacket {
				return nil, fmt.Errorf("packet %d is longer than %d bytes", len(packets), maxOggPacket)
			}
			if size < 255 {
				packets, partial = append(packets, partial), nil
			}
		}
		if len(packets) > maxOggPackets {
			return nil, fmt.Errorf("ogg file has more than %d packets", maxOggPackets)
		}
	}
	if len(packets) < 2 || !bytes.HasPrefix(packets[0], []byte("OpusHead")) || !bytes.HasPrefix(packets[1], []byte("OpusTags")) {
		return nil, errors.New("ogg file does not begin with the headers of an Opus stream")
	}
	return packets[2:], nil
}

// readOggPage returns a page's segment sizes and its bytes. The end of the file between pages is io.EOF.
func readOggPage(r io.Reader) (segments, payload []byte, err error) {
	var header [oggHeaderSize]byte
	if _, err = io.ReadFull(r, header[:]); err != nil {
		return nil, nil, err
	}
	if !bytes.HasPrefix(header[:], []byte("OggS")) {
		return nil, nil, errors.New("no capture pattern")
	}
	segments = make([]byte, header[oggHeaderSize-1])
	if _, err = io.ReadFull(r, segments); err != nil {
		return nil, nil, io.ErrUnexpectedEOF
	}
	total := 0
	for _, size := range segments {
		total += int(size)
	}
	payload = make([]byte, total)
	if _, err = io.ReadFull(r, payload); err != nil {
		return nil, nil, io.ErrUnexpectedEOF
	}
	return segments, payload, nil
}
