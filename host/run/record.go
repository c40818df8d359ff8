package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// record is host.json: all that a test needs to know of the running host.
type record struct {
	URL       string            `json:"url"`
	MediaAddr string            `json:"mediaAddr"`
	Server    string            `json:"server"` // Mattermost's version
	Plugin    string            `json:"plugin"` // its version
	Users     map[string]person `json:"users"`
	Team      thing             `json:"team"`
	Channels  channels          `json:"channels"`
	Postgres  string            `json:"postgres"` // DSN
	Push      string            `json:"push"`     // where the server sends push notifications: an address that a test may listen on
	Data      string            `json:"data"`
	Log       string            `json:"log"` // the server's, with the plugin's lines; one JSON object a line
	PIDs      pids              `json:"pids"`
}

type person struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Password string `json:"password"`
}

type channels struct {
	Public  thing `json:"public"`
	Private thing `json:"private"`
	Direct  thing `json:"direct"`
	Group   thing `json:"group"`
}

type pids struct {
	Run        int `json:"run"`
	Postgres   int `json:"postgres"`
	Mattermost int `json:"mattermost"`
}

// writeRecord writes host.json, which stands as long as the host runs. It has passwords in it.
func (h *host) writeRecord() error {
	h.rec.URL = h.url()
	h.rec.Server = h.server.version
	h.rec.MediaAddr = fmt.Sprintf("%s:%d", h.media, h.opt.udpPort)
	h.rec.Postgres = h.dsn
	h.rec.Push = fmt.Sprintf("127.0.0.1:%d", h.pushPort)
	h.rec.Data = h.opt.data
	h.rec.Log = h.path("logs", "mattermost.log")
	h.rec.PIDs = pids{Run: os.Getpid(), Postgres: h.pg.cmd.Process.Pid, Mattermost: h.mm.cmd.Process.Pid}
	text, err := json.MarshalIndent(h.rec, "", "  ")
	if err != nil {
		return err
	}
	aside := h.path("host.json.new")
	if err := os.WriteFile(aside, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(aside, h.path("host.json"))
}

// printUseful shows a person where to go.
func (h *host) printUseful() {
	page := func(c thing) string {
		return fmt.Sprintf("%s/plugins/%s/public/call.html?channel=%s", h.url(), pluginID, c.ID)
	}
	fmt.Printf("\npeople           sysadmin, alice, bob, carol, dave, all with the password %s\n", password)
	fmt.Printf("public channel   %s\n", page(h.rec.Channels.Public))
	fmt.Printf("private channel  %s\n", page(h.rec.Channels.Private))
	fmt.Printf("alice and bob    %s\n", page(h.rec.Channels.Direct))
	fmt.Printf("group of three   %s\n", page(h.rec.Channels.Group))
	fmt.Printf("for tests        %s\n", h.path("host.json"))
	fmt.Printf("Ctrl-C stops everything\n\n")
}
