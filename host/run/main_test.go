package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestPortFromEnv(t *testing.T) {
	for text, want := range map[string]int{"": 8065, "9000": 9000, "0": 0, "65536": -1, "-1": -1, "http": -1} {
		t.Setenv("PORT", text)
		got, err := portFromEnv("PORT", 8065)
		if want == -1 {
			if err == nil || !strings.Contains(err.Error(), "PORT=8066") {
				t.Errorf("PORT=%s: error %v does not say what to give instead", text, err)
			}
		} else if err != nil || got != want {
			t.Errorf("PORT=%s: %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	if _, err := choosePort(port, pagesFree); err == nil || !strings.Contains(err.Error(), strconv.Itoa(port)) {
		t.Errorf("port %d is taken, but: %v", port, err)
	}
	free, err := choosePort(0, pagesFree)
	if err != nil || free < 1024 || free > 49151 {
		t.Errorf("picked %d, %v", free, err)
	}
}

func TestLastLines(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte(strings.Repeat("old\n", 10000)+"one\ntwo\n"+strings.Repeat("x", 1000)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(lastLines(log, 3), "\n")
	if len(lines) != 3 || lines[0] != "  one" || lines[1] != "  two" || len(lines[2]) != 402 {
		t.Errorf("got %q", lines)
	}
}

func TestReachable(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	if reachable(inner) {
		t.Error("a folder behind a closed one counts as reachable")
	}
	if !reachable("/usr/bin") {
		t.Error("/usr/bin does not count as reachable")
	}
}

// sleeper starts a copy of sleep under another name, working in dir.
func sleeper(t *testing.T, program, dir string) *exec.Cmd {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(t.TempDir(), program)
	if err := os.WriteFile(exe, text, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "60")
	cmd.Args[0] = "sleep" // a sleep that goes by the name it was called by
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func TestLeftoversAreKilledAndOthersAreNot(t *testing.T) {
	data, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	left := sleeper(t, "postgres", data)
	shell := sleeper(t, "sleep", data)
	elsewhere := sleeper(t, "postgres", t.TempDir())
	if n := killLeftovers(data); n != 1 {
		t.Errorf("%d processes were killed, want 1", n)
	}
	if err := left.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the database left in the directory ended with %v", err)
	}
	for name, cmd := range map[string]*exec.Cmd{"a person's program in the directory": shell, "another host's database": elsewhere} {
		if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
			t.Errorf("%s was killed: %v", name, err)
		}
	}
}

func TestStopTakesTheWholeGroup(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	// The inner process ignores being asked, as a plugin does, and outlives its parent.
	p, err := startProcess("shell", exec.Command("/bin/sh", "-c", `(trap "" TERM INT; echo $(exec sh -c 'echo $PPID'); exec sleep 60) & wait`), log)
	if err != nil {
		t.Fatal(err)
	}
	var inner int
	for end := time.Now().Add(time.Minute); inner == 0 && time.Now().Before(end); {
		text, _ := os.ReadFile(log)
		inner, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	if inner == 0 {
		t.Fatal("the inner process did not start")
	}
	p.stop(syscall.SIGTERM, 5*time.Second)
	waitGone(filepath.Join("/proc", strconv.Itoa(inner)))
	if stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(inner), "stat")); err == nil && !strings.Contains(string(stat), ") Z ") {
		t.Errorf("the inner process lives on: %s", stat)
	}
}

func TestServerErrorsAreReadable(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"id":"api.x","message":"You may not.","detailed_error":"","status_code":403}`))
	}))
	defer server.Close()
	err := (&rest{url: server.URL}).do(context.Background(), http.MethodGet, "/users/me", nil, nil)
	if status(err) != http.StatusForbidden || err.Error() != "the server says 403: You may not." {
		t.Errorf("got %v", err)
	}
}

func TestToolsDoNotSeeWhatIsMeantForOthers(t *testing.T) {
	t.Setenv("MM_SQLSETTINGS_DATASOURCE", "somewhere else")
	t.Setenv("PGHOST", "somewhere else")
	t.Setenv("MAKEFLAGS", "-n")
	t.Setenv("CALLS_TEST", "kept")
	t.Setenv("MM_CALLS_ENABLE_RINGING", "true")
	env := strings.Join(cleanEnv("A=b"), "\n")
	for _, gone := range []string{"MM_SQLSETTINGS", "PGHOST", "MAKEFLAGS"} {
		if strings.Contains(env, gone) {
			t.Errorf("%s is handed on", gone)
		}
	}
	if !strings.Contains(env, "CALLS_TEST=kept") || !strings.Contains(env, "MM_CALLS_ENABLE_RINGING=true") || !strings.Contains(env, "A=b") {
		t.Error("what should be handed on is missing")
	}
}
