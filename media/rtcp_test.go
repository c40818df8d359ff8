package media

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func isPLI(p rtcp.Packet) bool { _, ok := p.(*rtcp.PictureLossIndication); return ok }

func TestNTPTime(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.UTC)
	got := time.Unix(0, nanosOfNTP(ntpTime(now)))
	if d := got.Sub(now).Abs(); d > time.Microsecond {
		t.Errorf("there and back is off by %v", d)
	}
}
