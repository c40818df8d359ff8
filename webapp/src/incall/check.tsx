/** The check before a call, in the host: microphone, speaker, and from there into the call. */
import { t } from '../i18n';
import { Check } from '../ui/check';
import { Dialog } from '../ui/dialog';
import { PhoneIcon } from '../ui/icons';
import { useView } from '../ui/use_store';
import type { InCall, UIState } from './ui';

export function CheckDialog({ ui, check }: { ui: InCall; check: NonNullable<UIState['check']> }) {
  const view = useView(check.store);
  const go = (listen: boolean) => {
    ui.closeCheck();
    check.go(listen);
  };
  return (
    <Dialog id="calls-check" title={t('check.title', { channel: check.channel })} onClose={() => ui.closeCheck()}>
      <Check store={check.store} view={view} />
      {check.inCall ? null : (
        <div class="cl-buttons">
          <button type="button" class="cl-quiet" data-testid="check-listen" onClick={() => go(true)}>{t('lobby.listen')}</button>
          <button type="button" class="cl-primary" data-safe data-testid="check-join" onClick={() => go(false)}><PhoneIcon />{t(check.running ? 'header.join' : 'header.start')}</button>
        </div>
      )}
    </Dialog>
  );
}
