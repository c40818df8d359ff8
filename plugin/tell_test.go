package main

import (
	"testing"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"

	"calls/plugin/i18n"
)

// slowHost looks users up when it is let.
type slowHost struct {
	*host
	let chan struct{}
}

func (h slowHost) GetUser(id string) (*model.User, *model.AppError) {
	<-h.let
	return &model.User{Id: id, Locale: "de"}, nil
}

func TestALanguageIsNotWaitedForWhenTheHostHangs(t *testing.T) {
	h := slowHost{newHost(), make(chan struct{})}
	hurried, patient := localeOf(h, time.Millisecond), localeOf(h, time.Hour)
	for range maxLookups + 3 {
		assert.Equal(t, i18n.Fallback, hurried(userA), "of the last ones the host is not even asked")
	}
	close(h.let)
	assert.Equal(t, "de", patient(userA))
}
