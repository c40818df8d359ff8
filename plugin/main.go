// The plugin's process: the host starts it and speaks to it over pipes.
package main

import "github.com/mattermost/mattermost-server/v6/plugin"

func main() {
	plugin.ClientMain(newPlugin())
}
