// The forwarders that `go run ./bench forward` compares with, and what it takes to talk to them. A module of its own: the plugin must not inherit their dependencies.
module calls/bench/peers

go 1.26.0

require github.com/mattermost/rtcd v1.2.6 // indirect
