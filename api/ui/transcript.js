// What passed on the wire, from GET /v1/jobs/{id}/log to rows that one can read. Pure: no page is needed for it.

const JOIN_MAX = 4096; // bytes of a row: a board that never ends a line does not make one row of all it says
const UNREADABLE_SHARE = 0.15; // more than this of the bytes, and it is no text
const FRAME_END = 0xc0; // SLIP
// The ROM loader's commands, by their number in a frame.
const COMMANDS = {
  0x02: 'FLASH_BEGIN', 0x03: 'FLASH_DATA', 0x04: 'FLASH_END', 0x05: 'MEM_BEGIN', 0x06: 'MEM_END', 0x07: 'MEM_DATA',
  0x08: 'SYNC', 0x09: 'WRITE_REG', 0x0a: 'READ_REG', 0x0b: 'SPI_SET_PARAMS', 0x0d: 'SPI_ATTACH',
  0x0e: 'READ_FLASH_SLOW', 0x0f: 'CHANGE_BAUDRATE', 0x10: 'FLASH_DEFL_BEGIN', 0x11: 'FLASH_DEFL_DATA',
  0x12: 'FLASH_DEFL_END', 0x13: 'SPI_FLASH_MD5', 0x14: 'GET_SECURITY_INFO',
};

/** @param text  lines of JSON  @return entries {ms, dir, port, hex, bytes} or {ms, dir, port, secret} or {ms, note} */
export function readEntries(text) {
  return text.split('\n').filter(Boolean).map((line) => {
    const {hex, ...entry} = JSON.parse(line);
    return hex === undefined ? entry : {...entry, hex, bytes: bytesOf(hex)};
  });
}

/** @param view  'auto', 'text' or 'hex'  @param port  only of this one; '' for all
 *  @return rows {kind: 'text', text} | {kind: 'hex', hex, bytes, name} | {kind: 'secret', n} | {kind: 'note', text},
 *          each with ms, and dir and port where somebody spoke. Text that came in pieces is one row up to its line's
 *          end. */
export function rowsOf(entries, view, port) {
  const rows = [];
  for (const entry of entries) {
    const {ms, dir, port: at, hex, bytes, secret, note} = entry;
    if (port && at !== undefined && at !== port) continue;
    const who = {ms, dir, port: at};
    if (note !== undefined) rows.push({ms, kind: 'note', text: note});
    else if (secret !== undefined) rows.push({...who, kind: 'secret', n: secret});
    else if (!isText(entry, view)) rows.push({...who, kind: 'hex', hex, bytes, name: commandOf(bytes)});
    else if (goesOn(rows.at(-1), who)) rows.at(-1).pieces.push(bytes);
    else rows.push({...who, kind: 'text', pieces: [bytes]});
  }
  return rows.map((row) => (row.kind === 'text' ? {...row, pieces: undefined, text: textOf(row.pieces)} : row));
}

/** What a search looks at: the text in small letters, or the bytes in hexadecimal without spaces. */
export function searchable(row) {
  return row.hex ?? row.text?.toLowerCase() ?? '';
}

/** 16 bytes a line: where, the bytes, and what of them is ASCII. */
export function hexDump(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const ascii = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(3, '0')}  ${part.map(twoDigits).join(' ').padEnd(47)}  ${ascii}`);
  }
  return lines.join('\n');
}

function twoDigits(byte) {
  return byte.toString(16).padStart(2, '0');
}

function bytesOf(hex) {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Nobody sends text to the loader, though what it writes to the flash may look like it. */
function isText({dir, port, bytes}, view) {
  if (view !== 'auto') return view === 'text';
  if (port === 'download' && (dir === 'host' || bytes[0] === FRAME_END)) return false;
  let odd = 0;
  for (const byte of bytes) if (byte < 0x20 ? byte !== 0x0d && byte !== 0x0a && byte !== 0x09 : byte === 0x7f) odd++;
  return odd <= UNREADABLE_SHARE * bytes.length;
}

function goesOn(row, {dir, port}) {
  if (row?.kind !== 'text' || row.dir !== dir || row.port !== port) return false;
  return row.pieces.at(-1).at(-1) !== 0x0a && row.pieces.reduce((n, piece) => n + piece.length, 0) < JOIN_MAX;
}

function textOf(pieces) {
  const all = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return new TextDecoder().decode(all).replaceAll('\r', '').replace(/\n+/g, '\n').replace(/^\n|\n$/g, '')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (c) => `\\x${twoDigits(c.charCodeAt(0))}`);
}

function commandOf(bytes) {
  const isFrame = bytes[0] === FRAME_END && bytes.length > 2 && bytes[1] <= 1;
  return isFrame ? COMMANDS[bytes[2]] ?? null : null;
}
