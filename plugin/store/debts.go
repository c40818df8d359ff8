package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
)

const (
	debtsKey = "posts_to_close" // no channel's id, so it is in no channel's way
	maxDebts = 1000             // of more the oldest are forgotten
)

// Debt is a call that has ended and whose post says that it has not.
type Debt struct {
	View  call.View
	EndAt time.Time
}

type savedDebt struct {
	Channel call.ChannelID `json:"channel_id"`
	EndAt   int64          `json:"end_at"`
	Call    *saved         `json:"call"`
}

// Owe notes that the post of a call is to be closed some day.
func (s *Store) Owe(v call.View, endAt time.Time) error {
	return s.changeDebts(func(list []savedDebt) []savedDebt {
		list = append(without(list, v.Call), savedDebt{v.Channel, millis(endAt), save(v)})
		return list[max(0, len(list)-maxDebts):]
	})
}

// Paid forgets a debt.
func (s *Store) Paid(id call.ID) error {
	return s.changeDebts(func(list []savedDebt) []savedDebt { return without(list, id) })
}

// Debts lists what is owed.
func (s *Store) Debts() ([]Debt, error) {
	_, list, err := s.readDebts()
	var debts []Debt
	for _, d := range list {
		debts = append(debts, Debt{d.Call.view(d.Channel), time.UnixMilli(d.EndAt)})
	}
	return debts, err
}

func without(list []savedDebt, id call.ID) (rest []savedDebt) {
	for _, d := range list {
		if d.Call.ID != id {
			rest = append(rest, d)
		}
	}
	return rest
}

// readDebts gives the stored bytes too. A list that cannot be understood counts as empty: nobody's call depends on it.
func (s *Store) readDebts() ([]byte, []savedDebt, error) {
	raw, appErr := s.kv.KVGet(debtsKey)
	if appErr != nil {
		return nil, nil, fmt.Errorf("reading the posts to close: %w", appErr)
	}
	var list []savedDebt
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &list); err != nil {
			s.log.Warn("the list of posts to close is damaged and counts as empty", "err", err)
			list = nil
		}
	}
	var whole []savedDebt
	for _, d := range list {
		if d.Call != nil {
			whole = append(whole, d)
		}
	}
	return raw, whole, nil
}

func (s *Store) changeDebts(edit func([]savedDebt) []savedDebt) error {
	for i := range attempts {
		if i > 0 {
			s.wait(pause)
		}
		old, list, err := s.readDebts()
		if err != nil {
			return err
		}
		var value []byte
		if list = edit(list); len(list) > 0 {
			if value, err = json.Marshal(list); err != nil {
				return fmt.Errorf("writing the posts to close: %w", err)
			}
		}
		if value == nil && old == nil {
			return nil
		}
		done, appErr := s.kv.KVSetWithOptions(debtsKey, value, model.PluginKVSetOptions{Atomic: true, OldValue: old})
		if appErr != nil {
			return fmt.Errorf("writing the posts to close: %w", appErr)
		}
		if done {
			return nil
		}
	}
	return fmt.Errorf("writing the posts to close: somebody else was faster %d times", attempts)
}
