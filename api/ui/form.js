// Forms from a list of fields. What the service says of a field stands at the field.
import {fill, h} from './dom.js';
import {showProblem, whileBusy} from './parts.js';
import {t} from './text.js';

let forms = 0;

/** @param fields  [{name: 'wifi.ssid', label, type, help, required, value, options, …}] in groups: {group: title,
 *                 fields, open}. name is the member of the body, with dots for those inside objects. type: text
 *                 (default), password, number, select (options [[value, label]]; a value keeps its type), checkbox,
 *                 textarea, list (a line each), datalist (text with suggestions: options). parse: what is typed → what
 *                 is sent. when: [name, values…]: there only while the field of that name has one of these. Further
 *                 attributes go to the element: min, max, pattern, placeholder, autocomplete, readonly.
 *  @param save    the label of the button  @param onSave  async (body); what it throws is shown here
 *  @param onCancel optional
 *  @return {node, input(name), body(): what is typed now, which need not fit} */
export function form({fields, save, onSave, onCancel}) {
  const prefix = `form${++forms}`;
  const inputs = new Map(); // name → {field, input, error}
  const problemPlace = h('div');
  const rows = fields.map((entry) => (entry.group === undefined ? fieldRow(entry) : h('details', {open: entry.open},
    h('summary', {}, entry.group), entry.help ? h('p', {class: 'help'}, entry.help) : null, entry.fields.map(fieldRow))));
  const button = h('button', {type: 'submit', class: 'main'}, save);
  const cancel = onCancel ? h('button', {type: 'button', class: 'plain', onclick: onCancel}, t('core.cancel')) : null;
  const node = h('form', {class: 'form', novalidate: true, onsubmit: submit, onchange: showWanted}, rows, problemPlace,
    h('div', {class: 'actions'}, cancel, button));

  function fieldRow(field) {
    const id = `${prefix}-${field.name}`;
    const input = inputOf(field, id);
    const error = h('p', {class: 'field-error', id: `${id}-error`});
    inputs.set(field.name, {field, input, error});
    const label = h('label', {for: id}, field.label, field.required ? h('span', {'aria-hidden': 'true'}, ' *') : null);
    const help = field.help ? h('p', {class: 'help', id: `${id}-help`}, field.help) : null;
    const row = h('div', {class: field.type === 'checkbox' ? 'field check' : 'field'}, label, input, listOf(field, id),
      help, error);
    inputs.get(field.name).row = row;
    return row;
  }

  /** Fields that another one makes pointless are not there: they ask nothing and say nothing. */
  function showWanted() {
    for (const {field, input, row} of inputs.values()) {
      if (!field.when) continue;
      const [name, ...values] = field.when;
      row.hidden = !values.includes(inputs.get(name).input.value);
      input.disabled = row.hidden;
    }
  }

  async function submit(event) {
    event.preventDefault();
    fill(problemPlace);
    for (const {input, error} of inputs.values()) mark(input, error, '');
    if (!checkHere()) return;
    await whileBusy(button, async () => {
      try {
        await onSave(bodyOf([...inputs.values()]));
      } catch (problem) {
        showProblem(problemPlace, problem);
        showAtFields(problem.errors ?? []);
      }
    });
  }

  /** What the browser itself can tell is told at once; the service is asked for the rest. */
  function checkHere() {
    const bad = [...inputs.values()].filter(({input}) => input.willValidate && !input.validity.valid);
    for (const {input, error} of bad) {
      mark(input, error, t(input.validity.valueMissing ? 'core.required' : 'core.invalid'));
    }
    reveal(bad[0]);
    return bad.length === 0;
  }

  function showAtFields(errors) {
    const fieldOf = ({pointer}) => inputs.get(pointer.slice(1).replaceAll('/', '.'));
    const named = errors.map((error) => [fieldOf(error), error.detail]).filter(([at]) => at);
    for (const [{input, error}, detail] of named) mark(input, error, detail);
    reveal(named[0]?.[0]);
  }

  showWanted();
  return {node, input: (name) => inputs.get(name).input, body: () => bodyOf([...inputs.values()])};
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

/** Empty fields are no members of the body. */
function bodyOf(entries) {
  const body = {};
  for (const {field, input} of entries) {
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

function mark(input, error, text) {
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
