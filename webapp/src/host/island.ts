/**
 * Islands: places inside the host's React tree where our own components are drawn. The host's React, of whatever version, makes and removes one element and
 * hands over its props; nothing of ours is ever drawn by it, and nothing of its own by us.
 */
import type { HostComponent, HostReact } from './contract';

export interface Mounted<Props> {
  update(props: Props): void;
  unmount(): void;
}

type Mount<Props> = (element: HTMLElement, props: Props) => Mounted<Props>;

export function island<Props>(React: HostReact, mount: Mount<Props>): HostComponent {
  const Base = React.Component as unknown as new (props: Props) => { props: Props };
  return class Island extends Base {
    private element: HTMLElement | null = null;
    private mounted: Mounted<Props> | null = null;
    private readonly take = (element: HTMLElement | null) => {
      this.element = element;
    };

    componentDidMount(): void {
      if (this.element) {
        this.mounted = mount(this.element, this.props);
      }
    }

    componentDidUpdate(): void {
      this.mounted?.update(this.props);
    }

    componentWillUnmount(): void {
      this.mounted?.unmount();
      this.mounted = null;
    }

    render(): unknown {
      return React.createElement('span', { ref: this.take, className: 'calls-root calls-island' });
    }
  };
}
