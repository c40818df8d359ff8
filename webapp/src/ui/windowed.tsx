/** A list of which only what can be seen is drawn, and a little around it: a call of hundreds costs no more than one of dozens. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Lists up to this length are drawn whole. */
const smallList = 40;
/** Rows that are drawn beyond each edge, so that a quick scroll or the Tab key finds them there. */
const margin = 8;

/** The part of a list that is drawn: rows from first up to, but not with, end. */
export interface Part {
  readonly first: number;
  readonly end: number;
}

export function partOf(count: number, offset: number, room: number, rowSize: number): Part {
  if (count <= smallList) {
    return { first: 0, end: count };
  }
  const first = Math.max(0, Math.min(Math.floor(offset / rowSize) - margin, count - 1));
  return { first, end: Math.min(count, Math.ceil((offset + room) / rowSize) + margin) };
}

interface Props {
  class: string;
  label: string;
  testID?: string;
  count: number;
  /** How long a row is where the rows lie under one another, gap included, and where they lie in a line. */
  rowHeight: number;
  rowWidth: number;
  /** Draws one row, a list item that says its place by aria-posinset and aria-setsize. */
  row(index: number): ComponentChildren;
  /** The list is one of the regions that F6 goes through. */
  region?: string;
  onPointerEnter?: () => void;
  onPointerLeave?: () => void;
}

export function Windowed({ class: className, label, testID, count, rowHeight, rowWidth, row, region, onPointerEnter, onPointerLeave }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const [seen, setSeen] = useState({ offset: 0, room: 600, line: false });
  const look = () => {
    const element = list.current;
    if (element && count > smallList) {
      const { display, flexDirection } = getComputedStyle(element);
      const line = display === 'flex' && flexDirection === 'row'; // a list that is no flex box has that direction, too
      // In a right-to-left line the browser counts the offset down from zero.
      const [offset, room] = line ? [Math.abs(element.scrollLeft), element.clientWidth] : [element.scrollTop, element.clientHeight];
      setSeen((was) => (was.offset === offset && was.room === room && was.line === line ? was : { offset, room, line }));
    }
  };
  useLayoutEffect(() => {
    look();
    const watcher = new ResizeObserver(look);
    if (list.current) {
      watcher.observe(list.current);
    }
    return () => watcher.disconnect();
  }, [count > smallList]);
  const size = seen.line ? rowWidth : rowHeight;
  const { first, end } = partOf(count, seen.offset, seen.room, size);
  return (
    <ul ref={list} class={className} aria-label={label} data-testid={testID} data-region={region} data-count={count} onScroll={look} onPointerEnter={onPointerEnter} onPointerLeave={onPointerLeave}>
      {first > 0 && <Space key="before" size={first * size} line={seen.line} />}
      {Array.from({ length: Math.max(0, end - first) }, (_, i) => row(first + i))}
      {end < count && <Space key="after" size={(count - end) * size} line={seen.line} />}
    </ul>
  );
}

/** The room of the rows that are not drawn. */
function Space({ size, line }: { size: number; line: boolean }) {
  return <li aria-hidden="true" class="cl-space" style={line ? { width: `${size}px` } : { height: `${size}px` }} />;
}
