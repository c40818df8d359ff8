/** `/call …`, taken before the host posts it. What the server is to answer goes on to it. */
import { t } from '../i18n';
import type { HostCalls } from './calls';
import type { CommandArgs, HookResult } from './contract';

export async function onCommand(calls: HostCalls, message: string, args: CommandArgs): Promise<HookResult> {
  const [trigger, verb, ...rest] = message.trim().split(/\s+/);
  if (trigger !== '/call') {
    return { message, args };
  }
  const channelID = args.channel_id;
  const { mine } = calls.state;
  const running = calls.state.calls[channelID] !== undefined;
  const options = { title: rest.join(' '), ...(args.root_id ? { threadID: args.root_id } : {}) };
  switch (verb) {
    case 'start':
      if (running) {
        return refuse(t('command.ongoing'));
      }
      return go(calls, channelID, () => calls.open(channelID, options));
    case 'join':
      if (mine?.channelID === channelID) {
        return refuse(t('command.connected'));
      }
      return go(calls, channelID, () => calls.open(channelID, options));
    case 'leave':
      if (mine?.channelID !== channelID) {
        return refuse(t('command.not_connected'));
      }
      calls.leave();
      return {};
    case 'end':
      if (!running) {
        return refuse(t('command.no_call'));
      }
      calls.askEnd(channelID);
      return {};
    case 'logs':
      return calls.sendDiary().then(() => ({}), () => refuse(t('command.logs_kept')));
    default:
      return { message, args };
  }
}

function go(calls: HostCalls, channelID: string, join: () => Promise<void>): HookResult {
  const obstacle = calls.obstacle(channelID);
  if (obstacle) {
    return refuse(obstacle);
  }
  void join();
  return {};
}

function refuse(message: string): HookResult {
  return { error: { message } };
}
