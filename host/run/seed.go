package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
)

// password is everybody's. It is published, so the server listens on this machine only.
const password = "Passw0rd!calls"

// people in the order in which they are made: the first becomes system admin.
var people = []string{"sysadmin", "alice", "bob", "carol", "dave"}

// thing is what the API tells of a user, a team or a channel.
type thing struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// seed makes people, a team and the four kinds of channel, each only when it is missing.
func (h *host) seed(ctx context.Context) error {
	admin, err := h.admin(ctx)
	if err != nil {
		return err
	}
	h.rec.Users = map[string]person{}
	for _, name := range people {
		id, err := admin.user(ctx, name)
		if err != nil {
			return fmt.Errorf("the user %s could not be made: %w", name, err)
		}
		h.rec.Users[name] = person{ID: id, Username: name, Password: password}
	}
	if err := h.seedTeam(ctx, admin); err != nil {
		return err
	}
	if err := h.seedChannels(ctx, admin); err != nil {
		return err
	}
	h.steps.say("%d people, password %s; team calls", len(people), password)
	return nil
}

// admin logs the system admin in, who is made on the first start.
func (h *host) admin(ctx context.Context) (*rest, error) {
	admin, err := login(ctx, h.url(), people[0], password)
	if status(err) != http.StatusUnauthorized {
		return admin, err
	}
	if err := (&rest{url: h.url()}).do(ctx, http.MethodPost, "/users", newUser(people[0]), nil); err != nil {
		return nil, fmt.Errorf("sysadmin can neither log in with the usual password nor be made: remove %s, or choose another directory with DATA= (%w)", h.opt.data, err)
	}
	return login(ctx, h.url(), people[0], password)
}

func newUser(name string) map[string]string {
	first := string(bytes.ToUpper([]byte(name[:1]))) + name[1:]
	return map[string]string{"username": name, "email": name + "@calls.invalid", "password": password, "first_name": first, "last_name": "Example"}
}

func (r *rest) user(ctx context.Context, name string) (string, error) {
	var u thing
	err := r.do(ctx, http.MethodGet, "/users/username/"+name, nil, &u)
	if status(err) == http.StatusNotFound {
		err = r.do(ctx, http.MethodPost, "/users", newUser(name), &u)
	}
	return u.ID, err
}

func (h *host) seedTeam(ctx context.Context, admin *rest) error {
	team := thing{Name: "calls"}
	err := admin.do(ctx, http.MethodGet, "/teams/name/"+team.Name, nil, &team)
	if status(err) == http.StatusNotFound {
		err = admin.do(ctx, http.MethodPost, "/teams", map[string]string{"name": team.Name, "display_name": "Calls", "type": "O"}, &team)
	}
	if err != nil {
		return fmt.Errorf("the team could not be made: %w", err)
	}
	h.rec.Team = team
	var members []map[string]string
	for _, u := range h.rec.Users {
		members = append(members, map[string]string{"team_id": team.ID, "user_id": u.ID})
	}
	return admin.do(ctx, http.MethodPost, "/teams/"+team.ID+"/members/batch", members, nil)
}

// seedChannels makes one channel of every kind. dave is in the public one only, so that there is somebody who may not join the others' calls.
func (h *host) seedChannels(ctx context.Context, admin *rest) error {
	id := func(name string) string { return h.rec.Users[name].ID }
	var err error
	if h.rec.Channels.Public, err = h.channel(ctx, admin, "public-room", "Public room", "O", people); err != nil {
		return fmt.Errorf("the public channel could not be made: %w", err)
	}
	if h.rec.Channels.Private, err = h.channel(ctx, admin, "private-room", "Private room", "P", []string{"sysadmin", "alice", "bob", "carol"}); err != nil {
		return fmt.Errorf("the private channel could not be made: %w", err)
	}
	alice, err := login(ctx, h.url(), "alice", password)
	if err != nil {
		return fmt.Errorf("alice cannot log in: %w", err)
	}
	if err := alice.do(ctx, http.MethodPost, "/channels/direct", []string{id("alice"), id("bob")}, &h.rec.Channels.Direct); err != nil {
		return fmt.Errorf("the direct channel could not be made: %w", err)
	}
	if err := alice.do(ctx, http.MethodPost, "/channels/group", []string{id("alice"), id("bob"), id("carol")}, &h.rec.Channels.Group); err != nil {
		return fmt.Errorf("the group channel could not be made: %w", err)
	}
	return nil
}

func (h *host) channel(ctx context.Context, admin *rest, name, title, kind string, members []string) (thing, error) {
	var c thing
	team := h.rec.Team.ID
	err := admin.do(ctx, http.MethodGet, "/teams/"+team+"/channels/name/"+name, nil, &c)
	if status(err) == http.StatusNotFound {
		err = admin.do(ctx, http.MethodPost, "/channels", map[string]string{"team_id": team, "name": name, "display_name": title, "type": kind}, &c)
	}
	if err != nil {
		return c, err
	}
	var in []struct {
		UserID string `json:"user_id"`
	}
	if err := admin.do(ctx, http.MethodGet, "/channels/"+c.ID+"/members?per_page=200", nil, &in); err != nil {
		return c, err
	}
	there := map[string]bool{}
	for _, m := range in {
		there[m.UserID] = true
	}
	for _, m := range members {
		if there[h.rec.Users[m].ID] {
			continue
		}
		if err := admin.do(ctx, http.MethodPost, "/channels/"+c.ID+"/members", map[string]string{"user_id": h.rec.Users[m].ID}, nil); err != nil {
			return c, err
		}
	}
	return c, nil
}
