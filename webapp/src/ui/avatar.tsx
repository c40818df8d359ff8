/** A person as a round mark with initials, and a few of them in a row. Decoration: the name stands beside it. */
import { initials } from '../page/sentences';

export function Avatar({ id, name, ring = false, size = 28 }: { id: string; name: string; ring?: boolean; size?: number }) {
  return (
    <span class={`cl-avatar cl-size-${size} cl-hue-${hue(id)}${ring ? ' cl-ring' : ''}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

/** At most four, and how many more; `total` says how many they are where only the first are given. */
export function Avatars({ people, total = people.length }: { people: readonly { id: string; name: string }[]; total?: number }) {
  const shown = total > 5 ? people.slice(0, 4) : people;
  return (
    <span class="cl-avatars" aria-hidden="true">
      {shown.map((p) => (
        <Avatar key={p.id} id={p.id} name={p.name} size={24} />
      ))}
      {shown.length < total && <span class="cl-avatar cl-size-24 cl-rest">+{total - shown.length}</span>}
    </span>
  );
}

/** One of eight colours for a person, the same every time. */
function hue(id: string): number {
  let sum = 0;
  for (const char of id) {
    sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 8191;
  }
  return sum % 8;
}
