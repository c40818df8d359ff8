/** The plugin's id is part of every path, action and event name, and compiled into every client of Mattermost Calls. */
export const pluginID = 'com.mattermost.calls';
