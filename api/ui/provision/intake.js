// Files on their way into the wizard. They are read at once, since a file that is changed or pulled out on its stick
// later could not be sent any more; what is too large is refused here and never sent.
import {unzip} from './unzip.js';

// What POST /v1/credentials/inspect takes (its description says so).
export const MOST_BYTES = 8 * 1024 * 1024;
export const MOST_FILES = 1024;
/** Of one file: no certificate and no key is larger. A zip may be as large as all. */
export const FILE_BYTES = 128 * 1024;

/** Take more files in. @param taken  [{name, blob, bytes}] that are there  @param files  File objects
 *  @return {files, refused: [{name, size, reason}]}: all that are there now, and what was refused of the new ones */
export async function takeIn(taken, files) {
  const all = [...taken];
  const refused = [];
  for (const file of files) {
    const name = file.webkitRelativePath || file.name;
    const isZip = /\.zip$/i.test(name);
    const bytes = file.size > (isZip ? MOST_BYTES : FILE_BYTES) ? null : await read(file);
    const refuse = (reason) => refused.push({name, size: file.size, reason});
    if (bytes === null) refuse(isZip ? 'zip_too_large' : 'too_large');
    else if (bytes === undefined) refuse('unreadable');
    else if (bytes.length === 0) refuse('empty');
    else for (const one of isZip ? await parts(name, bytes) : [{name, bytes}]) add(all, one, refused);
  }
  return {files: all, refused};
}

/** undefined when it cannot be read. */
async function read(file) {
  return file.arrayBuffer().then((buffer) => new Uint8Array(buffer), () => undefined);
}

function add(all, one, refused) {
  if (all.some((each) => same(each, one))) return; // dropped twice
  const sum = all.reduce((bytes, each) => bytes + each.bytes.length, one.bytes.length);
  const refuse = (reason) => refused.push({name: one.name, size: one.bytes.length, reason});
  if (one.isInside && one.bytes.length > FILE_BYTES) refuse('too_large');
  else if (all.length === MOST_FILES) refuse('too_many');
  else if (sum > MOST_BYTES) refuse('too_much');
  else all.push({...one, blob: new Blob([one.bytes])});
}

/** A zip's files, so that each credential is stored from its own ones; a zip that this cannot read is the service's to
 *  judge. */
async function parts(name, bytes) {
  try {
    const inside = await unzip(bytes, MOST_BYTES);
    return inside.map((one) => ({name: `${name}/${one.name}`, bytes: one.bytes, isInside: true}));
  } catch {
    return [{name, bytes}];
  }
}

function same(a, b) {
  return a.name === b.name && a.bytes.length === b.bytes.length && a.bytes.every((byte, i) => byte === b.bytes[i]);
}

/** Files of a drop, those in folders too. Must be called while the drop is being handled. */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  return (await Promise.all(entries.map((entry) => filesBelow(entry)))).flat();
}

async function filesBelow(entry) {
  if (entry.isFile) {
    return [await new Promise((done, fail) => entry.file(done, fail)).catch(() => new File([], entry.name))];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) { // it tells some at a time
    const some = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (some.length === 0) return found;
    found.push(...(await Promise.all(some.map(filesBelow))).flat());
  }
}
