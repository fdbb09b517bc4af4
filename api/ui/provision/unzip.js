// The files of a zip archive, by what every browser has: its own inflate.

const END = 0x06054b50, ENTRY = 0x02014b50;
const END_BYTES = 22, LONGEST_COMMENT = 0xffff;

/** @return [{name, bytes}] without folders. Throws when it is damaged, encrypted, packed by another method than
 *  deflate, or larger than @p limit bytes when it is unpacked. */
export async function unzip(bytes, limit) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = findEnd(view);
  const found = [];
  let at = view.getUint32(end + 16, true);
  let left = limit;
  for (let n = view.getUint16(end + 10, true); n > 0; n--) {
    if (view.getUint32(at, true) !== ENTRY) throw new Error('no entry');
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    if (!name.endsWith('/')) {
      const content = await unpack(bytes, view, at, left);
      left -= content.length;
      found.push({name, bytes: content});
    }
    at += 46 + nameLength + extra + comment;
  }
  return found;
}

function findEnd(view) {
  const first = Math.max(0, view.byteLength - END_BYTES - LONGEST_COMMENT);
  for (let at = view.byteLength - END_BYTES; at >= first; at--) if (view.getUint32(at, true) === END) return at;
  throw new Error('no zip');
}

async function unpack(bytes, view, entry, limit) {
  const isEncrypted = view.getUint16(entry + 8, true) & 1;
  const method = view.getUint16(entry + 10, true);
  const size = view.getUint32(entry + 20, true);
  const local = view.getUint32(entry + 42, true);
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const packed = bytes.subarray(start, start + size);
  if (isEncrypted || packed.length !== size || (method !== 0 && method !== 8)) throw new Error('cannot be unpacked');
  if (method === 8) return inflate(packed, limit);
  if (size > limit) throw new Error('too large');
  return packed.slice();
}

async function inflate(packed, limit) {
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const pieces = [];
  let size = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new Error('too large');
    }
    pieces.push(value);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
