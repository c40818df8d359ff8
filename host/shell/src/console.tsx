/** The System Console's page of a plugin: its settings as its manifest describes them, and those that it draws itself. */
import { request } from './client';
import { customSettings } from './registry';

interface Setting {
  key: string;
  display_name: string;
  type: string;
  help_text: string;
  placeholder: string;
  default: unknown;
  options?: { display_name: string; value: string }[];
}

interface Manifest {
  id: string;
  name: string;
  version: string;
  settings_schema?: { header?: string; footer?: string; settings?: Setting[] };
}

type Values = Record<string, unknown>;

export function Console({ path }: { path: string }) {
  const id = path.split('plugin_')[1] ?? '';
  const [manifest, setManifest] = React.useState<Manifest | null>(null);
  const [config, setConfig] = React.useState<Record<string, unknown> | null>(null);
  const [values, setValues] = React.useState<Values>({});
  const [note, setNote] = React.useState('');
  React.useEffect(() => {
    const load = async () => {
      const [plugins, whole] = await Promise.all([request<{ active: Manifest[]; inactive: Manifest[] }>('GET', '/plugins'), request<Record<string, unknown>>('GET', '/config')]);
      setManifest([...plugins.active, ...plugins.inactive].find((p) => p.id === id) ?? null);
      setConfig(whole);
      setValues((whole.PluginSettings as { Plugins?: Record<string, Values> }).Plugins?.[id] ?? {});
    };
    load().catch((error: Error) => setNote(error.message));
  }, [id]);
  const save = async () => {
    setNote('');
    try {
      await request('PUT', '/config/patch', { PluginSettings: { Plugins: { [id]: values } } });
      setNote('Saved.');
    } catch (error) {
      setNote((error as Error).message);
    }
  };
  if (!manifest) {
    return <main className="product" role="status">{note || 'Loading…'}</main>;
  }
  const change = (key: string, value: unknown) => setValues((now) => ({ ...now, [key.toLowerCase()]: value }));
  const { header, footer, settings = [] } = manifest.settings_schema ?? {};
  return (
    <main className="product console" data-testid="console">
      <h1>{manifest.name} {manifest.version}</h1>
      {header && <p className="note">{header}</p>}
      {settings.map((setting) => (
        <Field key={setting.key} plugin={id} setting={setting} value={values[setting.key.toLowerCase()] ?? setting.default} config={config} onChange={change} />
      ))}
      {footer && <p className="note">{footer}</p>}
      <p><button type="button" className="primary" onClick={() => void save()}>Save</button> <span role="status">{note}</span></p>
    </main>
  );
}

interface FieldProps {
  plugin: string;
  setting: Setting;
  value: unknown;
  config: Record<string, unknown> | null;
  onChange: (key: string, value: unknown) => void;
}

function Field({ plugin, setting, value, config, onChange }: FieldProps) {
  const id = `PluginSettings.Plugins.${plugin.replace(/\./g, '+')}.${setting.key.toLowerCase()}`;
  const custom = customSettings.get(`${plugin}/${setting.key.toLowerCase()}`);
  if (setting.type === 'custom') {
    const Component = custom?.component;
    return (
      <div className="setting">
        {custom?.showTitle && <h2>{setting.display_name}</h2>}
        {Component ? (
          <Component
            id={id} label={setting.display_name} helpText={setting.help_text} value={value} disabled={false} config={config} currentState={{}} license={{}} setByEnv={false}
            onChange={(_id: string, now: unknown) => onChange(setting.key, now)} setSaveNeeded={() => undefined} registerSaveAction={() => undefined} unRegisterSaveAction={() => undefined}
          />
        ) : <p className="note">The plugin draws this setting itself, and is not loaded.</p>}
      </div>
    );
  }
  return (
    <div className="setting">
      <label htmlFor={id}>{setting.display_name}</label>
      <Input id={id} setting={setting} value={value} onChange={(now) => onChange(setting.key, now)} />
      <p className="note">{setting.help_text}</p>
    </div>
  );
}

function Input({ id, setting, value, onChange }: { id: string; setting: Setting; value: unknown; onChange: (value: unknown) => void }) {
  switch (setting.type) {
    case 'bool':
      return <input id={id} type="checkbox" checked={value === true} onChange={(e) => onChange(e.target.checked)} />;
    case 'number':
      return <input id={id} type="number" placeholder={setting.placeholder} value={String(value ?? '')} onChange={(e) => onChange(e.target.value === '' ? setting.default : Number(e.target.value))} />;
    case 'longtext':
      return <textarea id={id} rows={4} placeholder={setting.placeholder} value={String(value ?? '')} onChange={(e) => onChange(e.target.value)} />;
    case 'dropdown':
    case 'radio':
      return <select id={id} value={String(value ?? '')} onChange={(e) => onChange(e.target.value)}>{setting.options?.map((o) => <option key={o.value} value={o.value}>{o.display_name}</option>)}</select>;
    default:
      return <input id={id} type="text" placeholder={setting.placeholder} value={String(value ?? '')} onChange={(e) => onChange(e.target.value)} />;
  }
}
