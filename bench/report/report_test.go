package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReportFromLines(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "bench", "results")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.Error(t, Command(root, io.Discard), "nothing to report")
	write := func(name string, lines ...string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	}
	write(ForwardFile,
		`{"target":"calls","workload":"a20x20","rep":1,"cpu_us_per_packet":4,"user_us":1,"sys_us":3,"segmented_pct":95.2,"read_buffer":16777216,"write_buffer":212992,"settled":true,"cores":2,"machine_load":7,"commit":"abc"}`,
		`{"target":"rtcd","workload":"a20x20","rep":1,"cpu_us_per_packet":10,"user_us":5,"sys_us":5,"settled":true,"cores":2,"commit":"abc"}`,
		`{"target":"livekit","workload":"a20x20","rep":1,"cpu_us_per_packet":11.1,"user_us":5,"sys_us":6,"settled":true,"cores":2,"commit":"abc"}`,
		`{"target":"limit","workload":"a20x20","rep":1,"cpu_us_per_packet":2,"user_us":1,"sys_us":1,"settled":true,"cores":2,"commit":"abc"}`,
		`{"target":"janus","workload":"a20x20","rep":1,"error":"janus is\nnot | installed","cores":2,"commit":"abc"}`)
	write(JoinFile, `{"target":"calls","joins":200,"connected_p50_ms":421,"connected_p99_ms":452,"cpu_ms_per_join":2.4,"negotiations_per_join":2}`,
		`{"target":"rtcd","joins":200,"failed":3,"error":"person 7: too late","connected_p50_ms":464,"connected_p99_ms":1352,"cpu_ms_per_join":4.55,"negotiations_per_join":2,"others_expected":150,"others_lost":4,"others_p50_us":400,"others_p99_us":12500}`)
	write(ScaleFile, `{"calls":1,"people":2,"cpu_us_per_packet":20}`, `{"calls":1,"people":50,"cpu_us_per_packet":6}`)
	write(LargestFile, `{"than":"rtcd","family":"all","times":0,"target":"rtcd","workload":"all40","expected":10,"forwarded":9}`,
		`{"than":"rtcd","family":"all","times":2.05,"target":"calls","workload":"all57","expected":10,"forwarded":10,"cpu_us_per_packet":4}`)
	write(FaultsFile, `{"kind":"track","failures":600,"resume_p99_ms":21}`)
	require.NoError(t, Command(root, io.Discard))
	text, err := os.ReadFile(filepath.Join(dir, "REPORT.md"))
	require.NoError(t, err)
	for _, want := range []string{
		"| processor time at most 0.45 of rtcd, aim 0.30 | 0.40, met | not measured | not measured |", "| processor time at most 1.90 of limit, aim 1.30 | 2.00, **missed** |",
		"| processor time at most 0.60 of livekit, aim 0.40 | 0.36, aim met |", "| calls | 200 | 0 | 421 | 452 | 2.40 | 2.0 | | | |", "| rtcd | 200 | 3 | 464 | 1352 | 4.55 | 2.0 | 4 of 150 | 0.40 | 12.50 |",
		"a20x20 95 %. It granted the media socket 16384 KiB to read and 208 KiB to write", "not measured: janus is not / installed", "| track | 0 | 600 |", "| all40 | rtcd | search | 0 | 1 |", "| all57 | calls | 2.05 × rtcd | 0 | 0 | 4.0 |", "up to 7 threads wanted its 2 cores",
	} {
		assert.Contains(t, string(text), want)
	}
	for _, name := range []string{"cost.svg", "delay.svg", "scale.svg"} {
		f, err := os.Open(filepath.Join(dir, name))
		require.NoError(t, err)
		for d := xml.NewDecoder(f); ; {
			if _, err := d.Token(); err != nil {
				assert.True(t, errors.Is(err, io.EOF), "%s: %v", name, err)
				break
			}
		}
		f.Close()
	}
	write(JoinFile, `{broken`)
	require.ErrorContains(t, Command(root, io.Discard), JoinFile)
}
