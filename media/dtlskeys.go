package media

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/pion/dtls/v2"
	"github.com/pion/webrtc/v3"
)

// pion keeps the keys of DTLS-SRTP to itself: DTLSTransport has the connection in a field without an accessor. This file reads that one field. webrtc v3 is
// frozen, so the field cannot move; checkDTLSField makes sure of it before the first peer all the same.

const dtlsConnField = "conn"

// checkDTLSField refuses to run with a pion whose DTLSTransport looks different.
func checkDTLSField() error {
	f, ok := reflect.TypeFor[webrtc.DTLSTransport]().FieldByName(dtlsConnField)
	if !ok || f.Type != reflect.TypeFor[*dtls.Conn]() {
		return errors.New("this version of pion/webrtc keeps its DTLS connection elsewhere: media keys cannot be read")
	}
	return nil
}

// dtlsConn must be called in the handler of OnStateChange for Connected only: pion sets the field in the same goroutine just before.
func dtlsConn(t *webrtc.DTLSTransport) *dtls.Conn {
	f := reflect.ValueOf(t).Elem().FieldByName(dtlsConnField)
	return *(**dtls.Conn)(unsafe.Pointer(f.UnsafeAddr()))
}

// srtpKeys are the contexts of both directions.
type srtpKeys struct {
	profile profile
	in, out *srtpContext
}

// exportKeys derives the media keys of a finished handshake (RFC 5764 section 4.2), in which we were the server: no offer that would make us the client is
// accepted, and our own offers leave the role where it is.
func exportKeys(conn *dtls.Conn) (k srtpKeys, err error) {
	if conn == nil {
		return k, errors.New("no DTLS connection")
	}
	selected, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return k, errors.New("the client negotiated no SRTP profile")
	}
	k.profile = profile(selected)
	if k.profile != profileGCM && k.profile != profileCM {
		return k, fmt.Errorf("SRTP %v is not supported", k.profile)
	}
	salt := k.profile.saltSize()
	state := conn.ConnectionState()
	b, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(srtpKeySize+salt))
	if err != nil {
		return k, fmt.Errorf("exporting media keys: %w", err)
	}
	clientKey, serverKey := b[:srtpKeySize], b[srtpKeySize:2*srtpKeySize]
	clientSalt, serverSalt := b[2*srtpKeySize:2*srtpKeySize+salt], b[2*srtpKeySize+salt:]
	if k.in, err = newSRTPContext(k.profile, clientKey, clientSalt); err != nil {
		return k, err
	}
	k.out, err = newSRTPContext(k.profile, serverKey, serverSalt)
	return k, err
}
