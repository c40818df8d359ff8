/** The page at /TEAM/com.mattermost.calls/expanded/CHANNEL: the call, large. It is the call of this window, else of the one that opened it, else there is a way in. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';

import { t } from '../i18n';
import { openerStore, PopOut } from '../page/popout';
import { PhoneIcon } from '../ui/icons';
import type { InCall, UIState } from './ui';

export function Expanded({ ui, state, channelID }: { ui: InCall; state: UIState; channelID: string }) {
  const own = state.store !== null && state.channelID === channelID;
  useEffect(() => {
    if (own) {
      // The surface over all of the host's page draws it. Not from inside a drawing: that would begin this one anew.
      queueMicrotask(() => ui.setExpanded(true));
    }
  }, [ui, own]);
  const [taken, setTaken] = useState(false);
  const opener = own || taken ? undefined : openerStore(channelID);
  const shows = opener !== undefined;
  useLayoutEffect(() => {
    if (shows) {
      window.callsTakeOver = (call) => {
        window.callsTakeOver = undefined;
        setTaken(true);
        ui.bridge.takeOver(channelID, call);
      };
      return () => {
        window.callsTakeOver = undefined;
      };
    }
  }, [ui, channelID, shows]);
  if (opener) {
    return <div class="cl-over"><PopOut store={opener} /></div>;
  }
  if (own || (taken && state.store)) {
    return null;
  }
  return (
    <div class="cl-over">
      <main class="cl-card-page">
        <section class="cl-card" aria-labelledby="calls-expanded-title">
          <h1 id="calls-expanded-title">{t('lobby.title', { channel: ui.bridge.channelName(channelID) })}</h1>
          <p>{t('expanded.none')}</p>
          <div class="cl-buttons">
            <button type="button" class="cl-outline" data-testid="expanded-channel" onClick={() => ui.bridge.openChannel(channelID)}>{t('expanded.channel')}</button>
            <button type="button" class="cl-primary" data-testid="expanded-join" onClick={() => ui.bridge.answer(channelID)}><PhoneIcon />{t('header.join')}</button>
          </div>
        </section>
      </main>
    </div>
  );
}
