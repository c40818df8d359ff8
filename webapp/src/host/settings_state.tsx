/** What the System Console shows above the settings: which of them are not in force and why, as the server says. */
import { useEffect, useState } from 'preact/hooks';

import type { Problem } from '../engine/api';
import { t } from '../i18n';
import type { HostCalls } from './calls';

const every = 5000; // an admin who has just saved waits for it

export function SettingsState({ calls }: { calls: HostCalls }) {
  const [problems, setProblems] = useState<readonly Problem[] | 'unknown' | null>(null);
  useEffect(() => {
    let timer = 0;
    let gone = false;
    const look = async () => {
      const found = await calls.problems().catch(() => 'unknown' as const);
      if (!gone) {
        setProblems(found);
        timer = window.setTimeout(look, every);
      }
    };
    void look();
    return () => {
      gone = true;
      window.clearTimeout(timer);
    };
  }, [calls]);
  if (problems === null) {
    return null;
  }
  if (problems === 'unknown' || problems.length === 0) {
    return <p class="cl-settings" role="status" data-testid="calls-settings-state">{t(problems === 'unknown' ? 'console.unknown' : 'console.well')}</p>;
  }
  return (
    <div class="cl-settings" role="status" data-testid="calls-settings-state">
      <List title={t('console.wrong')} of={problems.filter((p) => p.wrong)} />
      <List title={t('console.remarks')} of={problems.filter((p) => !p.wrong)} />
    </div>
  );
}

function List({ title, of }: { title: string; of: readonly Problem[] }) {
  if (of.length === 0) {
    return null;
  }
  return (
    <>
      <strong>{title}</strong>
      <ul>
        {of.map((p) => <li key={`${p.setting} ${p.problem}`}><b>{p.setting}</b>{p.value && <> = <code>{p.value}</code></>}: {p.problem}</li>)}
      </ul>
    </>
  );
}
