// The tools that start a real Mattermost server around the plugin (run) and that show test results (testview). Standard library only.
//
// A module apart, so that the plugin's rules (no bare goroutines, no dependency on servers) need no exceptions for them.
module calls-host

go 1.26.0
