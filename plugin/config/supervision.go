package config

import (
	"fmt"
	"strings"
	"time"

	"calls/actors"
)

// The supervisor's limits: four for each level that can fail, and three of the mailboxes. A change counts from the next failure on, in calls that run.

// level is one level of supervision and where its limits stand.
type level struct {
	name, env string
	limits    func(*Config) *actors.Limits
}

var levels = []level{
	{"Track", "TRACK", func(c *Config) *actors.Limits { return &c.Supervision.Track }},
	{"Session", "SESSION", func(c *Config) *actors.Limits { return &c.Supervision.Session }},
	{"Call", "CALL", func(c *Config) *actors.Limits { return &c.Supervision.Call }},
}

// The ranges of the limits.
const (
	mostRestarts  = 1000
	longestWindow = 3600  // seconds
	longestWait   = 60000 // milliseconds
)

func init() {
	for _, l := range levels {
		settings = append(settings, l.settings()...)
	}
	settings = append(settings,
		count("MediaMailboxCapacity", "MEDIA_MAILBOX_CAPACITY", 8, 4096, func(c *Config) *int { return &c.Supervision.LaneDepth }),
		count("SessionInboxLimit", "SESSION_INBOX_LIMIT", 20, 10000, func(c *Config) *int { return &c.Supervision.InboxLimit }),
		span("StuckActorMillis", "STUCK_ACTOR_MILLIS", time.Millisecond, 100, 60000, func(c *Config) *time.Duration { return &c.Supervision.Stuck }),
	)
}

func (l level) settings() []setting {
	key, env := "Supervisor"+l.name, "SUPERVISOR_"+l.env
	return []setting{
		count(key+"MaxRestarts", env+"_MAX_RESTARTS", 0, mostRestarts, func(c *Config) *int { return &l.limits(c).MaxRestarts }),
		span(key+"WindowSeconds", env+"_WINDOW_SECONDS", time.Second, 1, longestWindow, func(c *Config) *time.Duration { return &l.limits(c).Window }),
		span(key+"BackoffMinMillis", env+"_BACKOFF_MIN_MILLIS", time.Millisecond, 0, longestWait, func(c *Config) *time.Duration { return &l.limits(c).BackoffMin }),
		span(key+"BackoffMaxMillis", env+"_BACKOFF_MAX_MILLIS", time.Millisecond, 0, longestWait, func(c *Config) *time.Duration { return &l.limits(c).BackoffMax }),
	}
}

// backoffs are the keys, in lower case, of the two settings that must fit each other.
func (l level) backoffs() []string {
	key := strings.ToLower("Supervisor" + l.name)
	return []string{key + "backoffminmillis", key + "backoffmaxmillis"}
}

// count is a setting that is a whole number.
func count(key, env string, low, high int, at func(*Config) *int) setting {
	return setting{key: key, env: env,
		parse: func(c *Config, s string) error { return number(at(c), s, low, high) },
		keep:  func(c *Config, from Config) { *at(c) = *at(&from) },
	}
}

// span is a setting that is a whole number of some unit of time.
func span(key, env string, unit time.Duration, low, high int, at func(*Config) *time.Duration) setting {
	return setting{key: key, env: env,
		parse: func(c *Config, s string) error {
			var n int
			if err := number(&n, s, low, high); err != nil {
				return err
			}
			*at(c) = time.Duration(n) * unit
			return nil
		},
		keep: func(c *Config, from Config) { *at(c) = *at(&from) },
	}
}

// together checks what two settings must keep between them. A pair that does not fit keeps what it had.
func together(c *Config, last Config) (errs []error) {
	for _, l := range levels {
		now, before := l.limits(c), l.limits(&last)
		if now.BackoffMax >= now.BackoffMin {
			continue
		}
		errs = append(errs, &Error{Setting: "Supervisor" + l.name + "BackoffMaxMillis", Value: fmt.Sprint(now.BackoffMax.Milliseconds()),
			Problem: fmt.Sprintf("must not be less than Supervisor%sBackoffMinMillis, which is %d", l.name, now.BackoffMin.Milliseconds())})
		now.BackoffMin, now.BackoffMax = before.BackoffMin, before.BackoffMax
	}
	return errs
}
