/** Drawing into an element, in the way of the React that is there. */

export interface Root {
  render(element: React.ReactElement): void;
}

type Client = typeof ReactDOM & { createRoot?(element: HTMLElement): Root };

export function mount(element: HTMLElement): Root {
  const client = ReactDOM as Client;
  return client.createRoot ? client.createRoot(element) : { render: (content) => ReactDOM.render(content, element) };
}
