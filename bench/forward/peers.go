package forward

import (
	"context"
	"errors"
)

func startRTCD(context.Context, Env) (*running, error)    { return nil, errors.New("not yet") }
func startLiveKit(context.Context, Env) (*running, error) { return nil, errors.New("not yet") }
func startJanus(context.Context, Env) (*running, error)   { return nil, errors.New("not yet") }
