// What the service says of the files that are there. The newest question wins; it goes on when the reader looks
// elsewhere.
import {call, query} from '../api.js';

let asking = null;

/** Ask anew, after files, password or what is allowed have changed.
 *  @param changed  called when there is something to show */
export async function inspect(wizard, changed) {
  asking?.abort();
  const mine = asking = new AbortController();
  wizard.problem = null;
  if (wizard.files.length === 0) {
    Object.assign(wizard, {inspection: null, sent: [], asking: false});
    changed();
    return;
  }
  wizard.asking = true;
  changed();
  const sent = [...wizard.files];
  const form = formOf(sent, wizard.password);
  try {
    const path = '/v1/credentials/inspect' + query({allow: wizard.allow.join(',')});
    const {data} = await call('POST', path, {form, signal: mine.signal});
    Object.assign(wizard, {inspection: data, sent});
  } catch (problem) {
    if (mine.signal.aborted) return;
    if (problem.code === undefined) throw problem;
    Object.assign(wizard, {inspection: null, sent: [], problem});
  }
  wizard.asking = false;
  changed();
}

/** Files as the service takes them: under any names, with the password of those that are closed. */
export function formOf(files, password) {
  const form = new FormData();
  files.forEach((file, i) => form.append(`file${i}`, file.blob, file.name));
  if (password !== '') form.append('password', password);
  return form;
}

/** Is there something that a password opens? */
export function needsPassword({inspection}) {
  const closed = ['encrypted_private_key', 'pkcs12'];
  return inspection?.files.some((file) => file.contents.some((content) => closed.includes(content.kind))) ?? false;
}
