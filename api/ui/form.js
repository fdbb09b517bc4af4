// Forms from a list of fields. What the service says of a field stands at the field.
import {fill, h} from './dom.js';
import {showProblem, whileBusy} from './parts.js';
import {t} from './text.js';

let forms = 0;

/** @param fields  [{name: 'wifi.ssid', label, type, help, required, value, options, …}] in groups: {group: title,
 *                 help, fields, open}. name is the member of the body, with dots for those inside objects. type: text
 *                 (default), password, number, select (options [[value, label]]; a value keeps its type), checkbox,
 *                 textarea, list (a line each), datalist (text with suggestions: options). parse: what is typed → what
 *                 is sent. when: [name, values…]: there only while the field of that name has one of these. Further
 *                 attributes go to the element: min, max, pattern, placeholder, autocomplete, readonly.
 *  @param save    the label of the button  @param onSave  async (body); what it throws is shown here
 *  @param onCancel optional
 *  @return {node, input(name), body(): what is typed now, which need not fit} */
export function form({fields, save, onSave, onCancel}) {
  const prefix = `form${++forms}`;
  const entries = new Map(); // name → {field, input, error, row}
  const rowOf = (field) => {
    entries.set(field.name, entryOf(field, `${prefix}-${field.name}`));
    return entries.get(field.name).row;
  };
  const rows = fields.map((field) => (field.group === undefined ? rowOf(field) : groupOf(field, rowOf)));
  const problemPlace = h('div');
  const button = h('button', {type: 'submit', class: 'main'}, save);
  const cancel = onCancel ? h('button', {type: 'button', class: 'plain', onclick: onCancel}, t('core.cancel')) : null;
  const node = h('form', {class: 'form', novalidate: true, onsubmit: submit, onchange: () => showWanted(entries)}, rows,
    problemPlace, h('div', {class: 'actions'}, cancel, button));

  async function submit(event) {
    event.preventDefault();
    fill(problemPlace);
    for (const entry of entries.values()) mark(entry, '');
    if (!checkHere(entries)) return;
    await whileBusy(button, async () => {
      try {
        await onSave(bodyOf(entries));
      } catch (problem) {
        showProblem(problemPlace, problem);
        showAtFields(entries, problem.errors ?? []);
      }
    });
  }

  showWanted(entries);
  return {node, input: (name) => entries.get(name).input, body: () => bodyOf(entries)};
}

function groupOf({group, fields, help, open}, rowOf) {
  return h('details', {open}, h('summary', {}, group), help ? h('p', {class: 'help'}, help) : null, fields.map(rowOf));
}

function entryOf(field, id) {
  const {type, label, required, help} = field;
  const input = inputOf(field, id);
  const error = h('p', {class: 'field-error', id: `${id}-error`});
  const row = h('div', {class: type === 'checkbox' ? 'field check' : 'field'},
    h('label', {for: id}, label, required ? h('span', {'aria-hidden': 'true'}, ' *') : null),
    input, listOf(field, id), help ? h('p', {class: 'help', id: `${id}-help`}, help) : null, error);
  return {field, input, error, row};
}

function inputOf(field, id) {
  const {name, label, type = 'text', help, options, value, required, parse, when, ...rest} = field;
  const attributes = {...rest, id, name, required, 'aria-describedby': `${help ? `${id}-help ` : ''}${id}-error`};
  if (type === 'select') {
    return h('select', {...attributes, value: value ?? ''}, options.map(([key, text]) =>
      h('option', {value: String(key)}, text)));
  }
  if (type === 'textarea' || type === 'list') {
    const text = type === 'list' ? (value ?? []).join('\n') : value ?? '';
    return h('textarea', {rows: 4, spellcheck: 'false', ...attributes, value: text});
  }
  if (type === 'checkbox') return h('input', {...attributes, type, checked: value === true});
  const kind = type === 'datalist' ? 'text' : type;
  const list = options ? `${id}-list` : null;
  return h('input', {autocomplete: 'off', spellcheck: 'false', ...attributes, type: kind, list, value: value ?? ''});
}

function listOf({type, options}, id) {
  if (type !== 'datalist') return null;
  return h('datalist', {id: `${id}-list`}, options.map(([key, text]) => h('option', {value: key}, text)));
}

/** Fields that another one makes pointless are not there: they ask nothing and say nothing. */
function showWanted(entries) {
  for (const {field, input, row} of entries.values()) {
    if (!field.when) continue;
    const [name, ...values] = field.when;
    row.hidden = !values.includes(entries.get(name).input.value);
    input.disabled = row.hidden;
  }
}

/** What the browser itself can tell is told at once; the service is asked for the rest. */
function checkHere(entries) {
  const bad = [...entries.values()].filter(({input}) => input.willValidate && !input.validity.valid);
  for (const entry of bad) mark(entry, t(entry.input.validity.valueMissing ? 'core.required' : 'core.invalid'));
  reveal(bad[0]);
  return bad.length === 0;
}

/** What the service says of a field stands there, too. */
function showAtFields(entries, errors) {
  const entryAt = ({pointer}) => entries.get(pointer.slice(1).replaceAll('/', '.'));
  const known = errors.map((error) => [entryAt(error), error.detail]).filter(([entry]) => entry);
  for (const [entry, detail] of known) mark(entry, detail);
  reveal(known[0]?.[0]);
}

/** Empty fields are no members of the body. */
function bodyOf(entries) {
  const body = {};
  for (const {field, input} of entries.values()) {
    const value = valueOf(field, input);
    if (value === undefined) continue;
    const path = field.name.split('.');
    const last = path.pop();
    path.reduce((object, part) => (object[part] ??= {}), body)[last] = value;
  }
  return body;
}

function valueOf(field, input) {
  if (input.disabled) return undefined;
  if (field.type === 'checkbox') return input.checked;
  if (input.value === '') return undefined;
  if (field.parse) return field.parse(input.value);
  if (field.type === 'number') return Number(input.value);
  if (field.type === 'select') return field.options.find(([key]) => String(key) === input.value)[0];
  if (field.type === 'list') return input.value.split('\n').map((line) => line.trim()).filter(Boolean);
  return input.value;
}

function mark({input, error}, text) {
  error.textContent = text;
  if (text) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
}

/** The first bad field is seen and has the focus. */
function reveal(entry) {
  if (!entry) return;
  for (let at = entry.input.closest('details'); at; at = at.parentElement.closest('details')) at.open = true;
  entry.input.focus();
}
