// The bench's signalling for the programs around the peers, which share nothing with the plugin's module.
module calls/bench/peers/bridge

go 1.26.0
