/**
 * The few MessagePack forms that the protocol needs: maps of strings, small integers and byte strings one way; unsigned integers, strings, booleans and
 * maps the other way.
 * Reference: the MessagePack specification's table of formats.
 */

export type Value = string | number | Uint8Array | { readonly [key: string]: Value };

/** Writes a value. Numbers must be unsigned integers below 2^32. */
export function encode(value: Value): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  write(out, value);
  return Uint8Array.from(out);
}

function write(out: number[], value: Value): void {
  if (typeof value === 'number') {
    writeUint(out, value);
  } else if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value);
    if (bytes.length < 32) {
      out.push(0xa0 | bytes.length);
    } else {
      writeSized(out, 0xd9, bytes.length);
    }
    append(out, bytes);
  } else if (value instanceof Uint8Array) {
    writeSized(out, 0xc4, value.length);
    append(out, value);
  } else {
    writeMap(out, value);
  }
}

function writeMap(out: number[], map: { readonly [key: string]: Value }): void {
  const entries = Object.entries(map);
  if (entries.length > 15) {
    throw new RangeError('a map of the protocol has at most 15 entries');
  }
  out.push(0x80 | entries.length);
  for (const [key, value] of entries) {
    write(out, key);
    write(out, value);
  }
}

function writeUint(out: number[], n: number): void {
  if (!Number.isInteger(n) || n < 0 || n > 0xffffffff) {
    throw new RangeError(`not an unsigned 32 bit integer: ${n}`);
  }
  if (n < 0x80) {
    out.push(n);
  } else if (n <= 0xff) {
    out.push(0xcc, n);
  } else if (n <= 0xffff) {
    out.push(0xcd, n >> 8, n & 0xff);
  } else {
    out.push(0xce, n >>> 24, (n >> 16) & 0xff, (n >> 8) & 0xff, n & 0xff);
  }
}

/** Writes the head of a str or bin whose 8 bit form has this first byte; the 16 and 32 bit forms follow it. */
function writeSized(out: number[], first: number, size: number): void {
  if (size <= 0xff) {
    out.push(first, size);
  } else if (size <= 0xffff) {
    out.push(first + 1, size >> 8, size & 0xff);
  } else {
    out.push(first + 2, size >>> 24, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff);
  }
}

function append(out: number[], bytes: Uint8Array): void {
  for (const byte of bytes) {
    out.push(byte);
  }
}

/** Reads the unsigned integer at the start of bytes in whatever width it was written, or null when something else stands there. */
export function decodeUint(bytes: Uint8Array): number | null {
  const first = bytes[0];
  if (first === undefined) {
    return null;
  }
  if (first < 0x80) {
    return first;
  }
  const width = first >= 0xcc && first <= 0xce ? 1 << (first - 0xcc) : 0;
  if (width === 0 || bytes.length < 1 + width) {
    return null;
  }
  let n = 0;
  for (let i = 1; i <= width; i++) {
    n = n * 256 + (bytes[i] ?? 0);
  }
  return n;
}

export type Decoded = string | number | boolean | null | Map<Decoded, Decoded>;

/** More levels than any message has; deeper ones are an attack on the stack. */
const deepest = 8;

/** Reads the values that stand one after another in bytes. From the first thing on that is not known here, nothing more is read. */
export function decode(bytes: Uint8Array): Decoded[] {
  const reader = { bytes, at: 0 };
  const values: Decoded[] = [];
  try {
    while (reader.at < bytes.length) {
      values.push(read(reader, 0));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) {
      throw error;
    }
  }
  return values;
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function read(reader: Reader, depth: number): Decoded {
  const first = take(reader, 1);
  if (first < 0x80) {
    return first;
  }
  if (first < 0x90) {
    return readMap(reader, first & 0x0f, depth);
  }
  if (first >= 0xa0 && first < 0xc0) {
    return readString(reader, first & 0x1f);
  }
  switch (first) {
    case 0xc0:
      return null;
    case 0xc2:
    case 0xc3:
      return first === 0xc3;
    case 0xcc:
    case 0xcd:
    case 0xce:
      return take(reader, 1 << (first - 0xcc));
    case 0xd9:
    case 0xda:
      return readString(reader, take(reader, first - 0xd8));
    case 0xde:
      return readMap(reader, take(reader, 2), depth);
    default:
      throw new RangeError(`no form of the protocol begins with ${first}`);
  }
}

function readMap(reader: Reader, size: number, depth: number): Map<Decoded, Decoded> {
  if (depth >= deepest) {
    throw new RangeError('too deep');
  }
  const map = new Map<Decoded, Decoded>();
  for (let i = 0; i < size; i++) {
    const key = read(reader, depth + 1);
    map.set(key, read(reader, depth + 1));
  }
  return map;
}

function readString(reader: Reader, size: number): string {
  const end = reader.at + size;
  if (end > reader.bytes.length) {
    throw new RangeError('cut off');
  }
  const text = new TextDecoder().decode(reader.bytes.subarray(reader.at, end));
  reader.at = end;
  return text;
}

function take(reader: Reader, width: number): number {
  let n = 0;
  for (let i = 0; i < width; i++) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) {
      throw new RangeError('cut off');
    }
    n = n * 256 + byte;
  }
  return n;
}
