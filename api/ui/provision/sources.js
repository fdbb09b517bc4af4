// Where credentials come from: files that are dropped, chosen or pasted anywhere on the page, and stored ones.
import {get, url} from '../api.js';
import {droppedFiles, takeIn} from './intake.js';
import {inspect} from './inspect.js';

let pasted = 0;
let taking = Promise.resolve(); // two drops, one after the other

/** Put files into the wizard and ask what they are. */
export function takeFiles(wizard, files, changed) {
  const mine = taking.then(async () => {
    const {files: all, refused} = await takeIn(wizard.files, files);
    const isNew = all.length !== wizard.files.length;
    Object.assign(wizard, {files: all, refused});
    if (isNew) await inspect(wizard, changed);
    else changed();
  });
  taking = mine.catch(() => {}); // the next ones are taken all the same
  return mine;
}

/** Text with PEM in it is a file without a name. @return whether it was one */
export function takeText(wizard, text, changed) {
  if (!text.includes('-----BEGIN')) return false;
  takeFiles(wizard, [new File([text], `pasted-${++pasted}.pem`)], changed);
  return true;
}

/** The whole page is where files can be dropped and pasted. @param take  called with the files */
export function watchFiles({signal}, take) {
  let depth = 0; // of elements that the drag has entered and not left
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle('dropping', depth > 0);
  };
  const hasFiles = (event) => event.dataTransfer?.types.includes('Files');
  const on = (type, listener) => window.addEventListener(type, listener, {signal});
  on('dragenter', (event) => hasFiles(event) && mark(1));
  on('dragleave', (event) => hasFiles(event) && mark(-1));
  on('dragover', (event) => hasFiles(event) && event.preventDefault());
  on('drop', async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // else the browser would show the file instead of this page
    mark(-depth);
    take(await droppedFiles(event.dataTransfer));
  });
  on('paste', (event) => {
    if (event.target.closest?.('input, textarea')) return;
    const text = event.clipboardData.getData('text');
    if (event.clipboardData.files.length > 0) take([...event.clipboardData.files]);
    else if (text.includes('-----BEGIN')) take([new File([text], `pasted-${++pasted}.pem`)]);
  });
  signal.addEventListener('abort', () => mark(-depth));
}

/** A stored credential, by its id, becomes one of those that were chosen. */
export async function addStored(wizard, id, tools) {
  wizard.source = 'stored';
  try {
    const one = await get(url`/v1/credentials/${id}`);
    if (!wizard.stored.some((each) => each.id === id)) wizard.stored = [...wizard.stored, one];
    wizard.problem = null;
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    wizard.problem = problem;
  }
  tools.changed();
}
