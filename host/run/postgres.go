package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postgres is our own database server: its programs are the system's, everything else is in the data directory.
type postgres struct {
	bin, dir, log string
	cred          *syscall.Credential // who it runs as when we are root, which PostgreSQL refuses to be
	password      string
}

// startPostgres makes the database on the first start and runs it on a free port, for this machine and with a password: it is a superuser's.
func (h *host) startPostgres(ctx context.Context) error {
	pg := &postgres{bin: h.postgresBin(), dir: h.path("postgres"), log: h.path("logs", "postgres.log")}
	if err := pg.prepare(h.opt.data); err != nil {
		return err
	}
	first := false
	if _, err := os.Stat(filepath.Join(pg.dir, "data")); err != nil {
		first = true
		if err := pg.create(ctx); err != nil {
			return err
		}
	}
	if err := pg.checkVersion(); err != nil {
		return err
	}
	port, err := choosePort(0, pagesFree)
	if err != nil {
		return err
	}
	if h.pg, err = pg.run(ctx, port); err != nil {
		return err
	}
	h.dsn = fmt.Sprintf("postgres://calls:%s@127.0.0.1:%d/mattermost?sslmode=disable&connect_timeout=10", pg.password, port)
	who := "you"
	if pg.cred != nil {
		who = "uid " + strconv.Itoa(int(pg.cred.Uid))
	}
	h.steps.say("127.0.0.1:%d, run by %s%s", port, who, map[bool]string{true: ", new"}[first])
	return nil
}

// prepare finds the user, a place that this user can reach, and the password.
func (pg *postgres) prepare(data string) error {
	if os.Geteuid() == 0 {
		cred, err := otherUser()
		if err != nil {
			return err
		}
		pg.cred = cred
		if !reachable(data) {
			// For example a clone under /root: the database goes where its user can get at it, a symlink says where.
			elsewhere := postgresElsewhere(data)
			if err := pg.makeElsewhere(elsewhere); err != nil {
				return err
			}
			if err := os.Symlink(elsewhere, pg.dir); err != nil && !errors.Is(err, os.ErrExist) {
				return err
			}
			pg.dir = elsewhere
		}
	}
	if err := os.MkdirAll(pg.dir, 0o755); err != nil {
		return err
	}
	if err := pg.own(pg.dir); err != nil {
		return err
	}
	return pg.readPassword()
}

// makeElsewhere makes the folder where everybody may make one of that name: what stands there already must be ours.
func (pg *postgres) makeElsewhere(dir string) error {
	if err := os.Mkdir(dir, 0o755); err == nil || !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if !info.IsDir() || owner != 0 && owner != pg.cred.Uid {
		return fmt.Errorf("%s is somebody else's: remove it, or choose another directory with DATA=", dir)
	}
	return nil
}

// readPassword reads the superuser's password, or thinks one up before the first start.
func (pg *postgres) readPassword() error {
	file := filepath.Join(pg.dir, "password")
	if text, err := os.ReadFile(file); err == nil {
		pg.password = strings.TrimSpace(string(text))
		return nil
	}
	var b [16]byte
	_, _ = rand.Read(b[:])
	pg.password = hex.EncodeToString(b[:])
	if err := os.WriteFile(file, []byte(pg.password+"\n"), 0o600); err != nil {
		return err
	}
	return pg.own(file) // initdb reads it
}

func (pg *postgres) own(path string) error {
	if pg.cred == nil {
		return nil
	}
	return os.Chown(path, int(pg.cred.Uid), int(pg.cred.Gid))
}

func otherUser() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root and there is neither a user postgres nor nobody: add one (useradd -r postgres) and start again")
}

// reachable says whether any user can enter the folder.
func reachable(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

func postgresElsewhere(data string) string {
	sum := sha256.Sum256([]byte(data))
	return "/var/tmp/calls-postgres-" + hex.EncodeToString(sum[:6])
}

// create makes the database in a folder aside, so that a start that was interrupted here leaves nothing half-made behind.
func (pg *postgres) create(ctx context.Context) error {
	aside := filepath.Join(pg.dir, "data.new")
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	// No sync: a machine that loses power loses a test database.
	initdb := pg.command("initdb", "-D", aside, "-U", "calls", "-A", "scram-sha-256", "--pwfile="+filepath.Join(pg.dir, "password"),
		"-E", "UTF8", "--no-locale", "--no-sync")
	if err := pg.logged(ctx, initdb); err != nil {
		return err
	}
	single := pg.command("postgres", "--single", "-D", aside, "-F", "postgres")
	single.Stdin = strings.NewReader("CREATE DATABASE mattermost\n")
	if err := pg.logged(ctx, single); err != nil {
		return err
	}
	return os.Rename(aside, filepath.Join(pg.dir, "data"))
}

func (pg *postgres) logged(ctx context.Context, cmd *exec.Cmd) error {
	err := runLogged(ctx, cmd, pg.log)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("the database could not be made in %s (see %s):\n%s", pg.dir, pg.log, lastLines(pg.log, 4))
}

func (pg *postgres) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(pg.bin, program), args...)
	cmd.Dir = pg.dir
	cmd.Env = cleanEnv("LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: pg.cred, Pdeathsig: syscall.SIGINT}
	return cmd
}

// checkVersion compares the version that made the database with the one that is to run it.
func (pg *postgres) checkVersion() error {
	text, err := os.ReadFile(filepath.Join(pg.dir, "data", "PG_VERSION"))
	if err != nil {
		return fmt.Errorf("%s holds no database: remove it, or choose another directory with DATA=", pg.dir)
	}
	out, err := exec.Command(filepath.Join(pg.bin, "postgres"), "--version").Output()
	if err != nil {
		return fmt.Errorf("%s/postgres does not run: %w", pg.bin, err)
	}
	made := strings.TrimSpace(string(text))
	if !strings.Contains(string(out), " "+made+".") {
		return fmt.Errorf("the database in %s was made by PostgreSQL %s but %s is %s: remove the directory, or choose another with DATA=",
			pg.dir, made, pg.bin, strings.TrimSpace(string(out)))
	}
	return nil
}

// run starts the server and waits until it takes connections.
func (pg *postgres) run(ctx context.Context, port int) (*process, error) {
	data := filepath.Join(pg.dir, "data")
	// We hold the directory's lock and ended what was left in it: a pid file is stale, and its number may be another program's by now.
	_ = os.Remove(filepath.Join(data, "postmaster.pid"))
	server := pg.command("postgres", "-D", data, "-p", strconv.Itoa(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=120")
	p, err := startProcess("PostgreSQL", server, pg.log)
	if err != nil {
		return nil, err
	}
	deadline := time.After(60 * time.Second)
	for {
		if takesConnections(port) {
			return p, nil
		}
		select {
		case <-p.done:
			return nil, p.died()
		case <-ctx.Done():
			p.stop(syscall.SIGINT, 10*time.Second)
			return nil, ctx.Err()
		case <-deadline:
			p.stop(syscall.SIGINT, 10*time.Second)
			return nil, fmt.Errorf("PostgreSQL took no connection within 60 s; the end of its log %s:\n%s", pg.log, lastLines(pg.log, 6))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// takesConnections asks like any client would begin: a server that is up wants a password ('R'), one that still starts answers with an error or not at all.
func takesConnections(port int) bool {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	const protocol = 3 << 16
	hello := binary.BigEndian.AppendUint32(make([]byte, 4, 64), protocol)
	hello = append(hello, "user\x00calls\x00database\x00mattermost\x00\x00"...)
	binary.BigEndian.PutUint32(hello, uint32(len(hello)))
	if _, err := conn.Write(hello); err != nil {
		return false
	}
	var kind [1]byte
	_, err = conn.Read(kind[:])
	return err == nil && kind[0] == 'R'
}
