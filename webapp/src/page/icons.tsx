/** The page's icons, drawn on a grid of 24. They are decoration: the words beside them carry the meaning. */
import type { ComponentChildren } from 'preact';

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const capsule = <rect x="9" y="3" width="6" height="11" rx="3" fill="currentColor" stroke="none" />;
const stand = <path d="M5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21" />;

export const MicIcon = () => (
  <Icon>
    {capsule}
    {stand}
  </Icon>
);

export const MicOffIcon = () => (
  <Icon>
    {capsule}
    {stand}
    <path d="M4 3.5 20 20.5" />
  </Icon>
);

export const HeadphonesIcon = () => (
  <Icon>
    <path d="M4 15v-3a8 8 0 0 1 16 0v3" />
    <rect x="3" y="14" width="4" height="6" rx="1.5" fill="currentColor" />
    <rect x="17" y="14" width="4" height="6" rx="1.5" fill="currentColor" />
  </Icon>
);

export const ScreenIcon = () => (
  <Icon>
    <rect x="3" y="4" width="18" height="13" rx="2" />
    <path d="M8 21h8M12 14V8M9.5 10 12 7.5 14.5 10" />
  </Icon>
);

export const StopScreenIcon = () => (
  <Icon>
    <rect x="3" y="4" width="18" height="13" rx="2" />
    <path d="M8 21h8M9.5 8l5 5M14.5 8l-5 5" />
  </Icon>
);

export const HandIcon = () => (
  <Icon>
    <path d="M7 13V6.5a1.5 1.5 0 0 1 3 0V11 4.5a1.5 1.5 0 0 1 3 0V11 6a1.5 1.5 0 0 1 3 0v6.5V9a1.5 1.5 0 0 1 3 0v5c0 4-2.5 7-6.5 7-3 0-4.5-1.5-6-4l-2.5-4c-.5-1.5 1.5-2.5 2.5-1z" />
  </Icon>
);

export const PhoneIcon = () => (
  <Icon>
    <path d="M6.5 3.5 9 8 7 10a13 13 0 0 0 7 7l2-2 4.5 2.5a16 16 0 0 1-1 3C10 20 4 14 3.5 4.5a16 16 0 0 1 3-1z" fill="currentColor" stroke="none" />
  </Icon>
);

export const HangUpIcon = () => (
  <Icon>
    <path d="M2.5 14.5c-.8-1.700 2.5-6 9.5-6s10.300 4.300 9.5 6c-.6 1.300-4.5 1.200-5.200 0-.4-.7 0-2-.3-2.300-.8-.7-7.200-.7-8 0-.3.3.1 1.600-.3 2.300-.7 1.200-4.600 1.300-5.200 0z" fill="currentColor" stroke="none" />
  </Icon>
);

export const FullScreenIcon = () => (
  <Icon>
    <path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5" />
  </Icon>
);

/** Three bars that grow with the quality of the line. */
export const BarsIcon = ({ lit }: { lit: number }) => (
  <svg class="icon bars" viewBox="0 0 16 12" width="16" height="12" aria-hidden="true" focusable="false">
    {[3, 6, 9, 12].map((height, i) => (
      <rect key={height} x={i * 4} y={12 - height} width="3" height={height} rx="1" fill="currentColor" opacity={i < lit ? 1 : 0.3} />
    ))}
  </svg>
);
