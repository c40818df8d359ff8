// The plugin's process: the host starts it and speaks to it over pipes.
package main

import (
	"github.com/mattermost/mattermost-server/v6/plugin"

	"calls/guard"
)

func main() {
	guard.Go("watch over the host", endWithHost, nil)
	plugin.ClientMain(newPlugin())
}
