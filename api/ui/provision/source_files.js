// Files: where they are taken in, what each one is, and the credentials that they make.
import {fill, h} from '../dom.js';
import {formatBytes, formatTime, t} from '../text.js';
import {inspect, needsPassword} from './inspect.js';
import {FILE_BYTES, MOST_BYTES, MOST_FILES} from './intake.js';
import {setCards} from './sets.js';
import {takeFiles, takeText} from './sources.js';

const REFUSED_SHOWN = 8;
const FEW = 6; // more files than these are folded away, unless one is of no use

/** @return a function that shows what has changed in the state */
export function showFileSource(place, wizard, tools) {
  const input = h('input', {type: 'file', multiple: true, hidden: true, id: 'file-input', onchange: () => {
    takeFiles(wizard, [...input.files], tools.changed);
    input.value = ''; // the same file can be chosen again
  }});
  const choose = h('button', {type: 'button', class: 'main', id: 'choose-files', onclick: () => input.click()},
    t('provision.choose_files'));
  const refused = h('div', {role: 'alert'});
  const password = passwordField(wizard, tools);
  const sets = h('div');
  const files = h('div');
  const opened = new Map(); // which credentials the reader has opened or closed
  let shown = {};

  fill(place, h('div', {class: 'drop card'}, h('p', {class: 'big'}, t('provision.drop')), h('p', {class: 'help'},
    t('provision.drop_help')), choose, input, pasteField(wizard, tools)), refused, password, sets, files);

  return () => {
    password.hidden = !needsPassword(wizard) && wizard.password === '';
    const {inspection, files: all, refused: not} = wizard;
    if (shown.refused !== not) fill(refused, refusedList(not, wizard.files.length > 0));
    if (shown.inspection !== inspection || shown.files !== all) {
      keepFocus(sets, choose, () => fill(sets, inspection ? setCards(wizard, tools, opened) : null));
      keepFocus(files, choose, () => fill(files, fileTable(wizard, tools)));
    }
    shown = {inspection, files: all, refused: not};
  };
}

/** Draw anew what may hold the focus: the element with the same id has it afterwards, else @p instead. */
function keepFocus(place, instead, draw) {
  const had = place.contains(document.activeElement) ? document.activeElement.id : null;
  draw();
  if (had !== null) (document.getElementById(had) ?? instead).focus();
}

function passwordField(wizard, tools) {
  const input = h('input', {type: 'password', id: 'file-password', autocomplete: 'off', value: wizard.password});
  const apply = (event) => {
    event.preventDefault();
    wizard.password = input.value;
    inspect(wizard, tools.changed);
  };
  return h('form', {class: 'card password', onsubmit: apply, hidden: true}, h('label', {for: 'file-password'},
    t('provision.password')), h('div', {class: 'row'}, input, h('button', {type: 'submit'}, t('provision.open'))),
  h('p', {class: 'help'}, t('provision.password_help')));
}

function pasteField(wizard, tools) {
  const area = h('textarea', {id: 'paste', rows: 5, spellcheck: 'false', autocomplete: 'off',
    'aria-describedby': 'paste-error'});
  const error = h('p', {class: 'field-error', id: 'paste-error', role: 'alert'});
  const take = () => {
    const isPem = takeText(wizard, area.value, tools.changed);
    error.textContent = isPem ? '' : t('provision.no_pem');
    if (isPem) area.value = '';
  };
  return h('details', {class: 'paste'}, h('summary', {}, t('provision.paste')), h('label', {for: 'paste'},
    t('provision.paste_label')), area, error, h('button', {type: 'button', onclick: take}, t('provision.paste_take')));
}

function refusedList(refused, hasOthers) {
  if (refused.length === 0) return null;
  const sentence = ({name, size, reason}) => t(`provision.refused_${reason}`, {name, size: formatBytes(size),
    limit: formatBytes(reason === 'too_large' ? FILE_BYTES : MOST_BYTES), files: MOST_FILES});
  const more = refused.length - REFUSED_SHOWN;
  const first = refused.slice(0, REFUSED_SHOWN);
  return h('div', {class: 'problem'}, h('ul', {}, first.map((one) => h('li', {}, sentence(one))),
    more > 0 ? h('li', {}, t('provision.refused_more', {n: more})) : null),
    hasOthers ? h('p', {class: 'quiet'}, t('provision.refused_rest')) : null);
}

function fileTable(wizard, tools) {
  const {files, inspection, sent} = wizard;
  if (files.length === 0) return null;
  const found = new Map(files.map((file) => [file, []]));
  for (const each of inspection?.files ?? []) found.get(sent[each.part])?.push(each);
  const told = (file) => found.get(file);
  const unused = new Set((inspection?.unused ?? []).map((index) => inspection.files[index]));
  const remove = (file) => {
    wizard.files = wizard.files.filter((each) => each !== file);
    inspect(wizard, tools.changed);
  };
  const isKept = inspection === null && !wizard.asking && wizard.problem === null; // over the end of a batch
  const isUnused = (file) => told(file).length > 0 && told(file).every((each) => unused.has(each));
  const row = (file, i) => h('tr', {class: isUnused(file) ? 'unused' : null},
    h('th', {scope: 'row'}, file.name), h('td', {'data-label': t('provision.size')}, formatBytes(file.bytes.length)),
    h('td', {'data-label': t('provision.what')}, isKept ? t('provision.kept')
      : told(file).map((each) => contents(each, unused.has(each)))),
    h('td', {}, h('button', {type: 'button', class: 'plain', id: `remove-${i}`, onclick: () => remove(file),
      'aria-label': t('provision.remove_file', {name: file.name})}, t('provision.remove'))));
  const clear = h('button', {type: 'button', class: 'plain', onclick: () => {
    Object.assign(wizard, {files: [], refused: []});
    inspect(wizard, tools.changed);
  }}, t('provision.remove_all'));
  const title = t('provision.files', {n: files.length});
  const columns = ['file', 'size', 'what', 'action'].map((key) => h('th', {scope: 'col'}, t(`provision.${key}`)));
  const body = h('div');
  const draw = () => body.firstChild ?? fill(body, // of hundreds of files it is drawn when somebody looks
    h('div', {class: 'table', tabindex: '0', role: 'region', 'aria-label': title},
      h('table', {}, h('thead', {}, h('tr', {}, columns)), h('tbody', {}, files.map(row)))),
    h('div', {class: 'actions'}, clear));
  const node = h('details', {class: 'card files', open: files.length <= FEW || unused.size > 0,
    ontoggle: () => node.open && draw()},
  h('summary', {}, title, unused.size
    ? h('span', {class: 'badge warn'}, t('provision.unused', {n: unused.size})) : null), body);
  if (node.open) draw();
  return node;
}

/** What is in a file, in words: "certificate of pump-1, P-256, until …". */
function contents(file, isUnused) {
  return h('ul', {class: 'contents'}, file.contents.map((content) => h('li', {}, t(`provision.content_${content.kind}`),
    content.subject ? [' ', h('b', {}, content.common_name ?? content.subject)] : null,
    content.key_type ? ` · ${content.key_type}` : null,
    content.not_after ? ` · ${t('provision.until', {at: formatTime(content.not_after)})}` : null,
    content.detail ? h('p', {class: 'quiet', lang: 'en'}, content.detail) : null)),
  isUnused ? h('li', {class: 'quiet'}, t('provision.is_unused')) : null);
}
