/** The page's icons, drawn on a grid of 24. They are decoration: the words beside them carry the meaning. */
import type { ComponentChildren } from 'preact';

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="cl-icon" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
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
  <svg class="cl-icon cl-bars-icon" viewBox="0 0 16 12" width="16" height="12" aria-hidden="true" focusable="false">
    {[3, 6, 9, 12].map((height, i) => (
      <rect key={height} x={i * 4} y={12 - height} width="3" height={height} rx="1" fill="currentColor" opacity={i < lit ? 1 : 0.3} />
    ))}
  </svg>
);

export const MoreIcon = () => (
  <Icon>
    <path d="M6 12h.01M12 12h.01M18 12h.01" stroke-width="3" />
  </Icon>
);

export const PeopleIcon = () => (
  <Icon>
    <circle cx="9" cy="8" r="3" />
    <path d="M3.5 19c0-3.500 2.500-5.500 5.500-5.500s5.500 2 5.500 5.500M15.500 5.500a3 3 0 0 1 0 5M17 13.500c2.200.6 3.500 2.500 3.500 5.500" />
  </Icon>
);

export const ExpandIcon = () => (
  <Icon>
    <path d="M13.500 4H20v6.500M20 4l-7 7M10.500 20H4v-6.500M4 20l7-7" />
  </Icon>
);

export const CollapseIcon = () => (
  <Icon>
    <path d="M20 10h-6V4M14 10l6-6M4 14h6v6M10 14l-6 6" />
  </Icon>
);

export const CloseIcon = () => (
  <Icon>
    <path d="M6 6l12 12M18 6 6 18" />
  </Icon>
);

export const ChevronIcon = () => (
  <Icon>
    <path d="m6 15 6-6 6 6" />
  </Icon>
);

export const SmileIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="8.500" />
    <path d="M8.500 14.500c1.800 2.300 5.200 2.300 7 0M9 9.500h.01M15 9.500h.01" />
  </Icon>
);

export const ThreadIcon = () => (
  <Icon>
    <path d="M4 5h16v11H9l-5 4zM8 9h8M8 12h5" />
  </Icon>
);

export const ClockIcon = () => (
  <Icon>
    <path d="M4 12a8 8 0 1 0 2.500-5.800L4 8.500M4 4v4.500h4.500M12 8v4.500l3 1.700" />
  </Icon>
);

export const GridIcon = () => (
  <Icon>
    <path d="M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z" />
  </Icon>
);

export const SpeakerViewIcon = () => (
  <Icon>
    <rect x="3.500" y="4.500" width="17" height="15" rx="2" />
    <circle cx="12" cy="10" r="2.200" />
    <path d="M8 16.500c.6-2 2-3 4-3s3.400 1 4 3" />
  </Icon>
);

export const VolumeIcon = () => (
  <Icon>
    <path d="M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11" />
  </Icon>
);

export const LinkIcon = () => (
  <Icon>
    <path d="M10 14a4 4 0 0 0 6 0l3-3a4.200 4.200 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4.200 4.200 0 0 0 6 6l1-1" />
  </Icon>
);

export const PhoneOffIcon = () => (
  <Icon>
    <path d="M6.5 3.5 9 8 7 10a13 13 0 0 0 7 7l2-2 4.500 2.500a16 16 0 0 1-1 3C10 20 4 14 3.500 4.500a16 16 0 0 1 3-1zM4 21 21 4" />
  </Icon>
);

export const BellOffIcon = () => (
  <Icon>
    <path d="M6.5 16.500V11a5.500 5.500 0 0 1 9-4.200M17.500 11v5.500M5 17h14M10.500 20.500h3M4 3.500l16 17" />
  </Icon>
);

export const MoveIcon = () => (
  <Icon>
    <path d="M4 7h9a4 4 0 0 1 4 4v6M13.500 13.500 17 17l3.500-3.500M4 12h5M4 17h5" />
  </Icon>
);

export const KeysIcon = () => (
  <Icon>
    <rect x="2.500" y="6" width="19" height="12" rx="2" />
    <path d="M6.500 10h.01M10.200 10h.01M13.800 10h.01M17.500 10h.01M7.500 14h9" />
  </Icon>
);
