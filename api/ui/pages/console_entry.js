// Where AT lines are entered: one line with suggestions, or several, when several are pasted. Arrow up and down go
// through what was sent before; what is masked there must be put in again.
import {fill, h} from '../dom.js';
import {announce} from '../parts.js';
import {t} from '../text.js';
import {MASK, SUGGESTIONS, splitLines} from './at_lines.js';

/** @param history  of openHistory()  @param send  (text)
 *  @return {node, restore(text)}: restore puts back what could not be sent, unless there is something else by now */
export function createEntry(history, send) {
  const field = createField(onKey);
  const wrong = h('p', {class: 'field-error', id: 'at-error', role: 'alert'});
  const node = h('form', {class: 'console-entry', onsubmit: submit}, field.label,
    h('div', {class: 'row'}, field.inputs, h('button', {type: 'submit', class: 'main'}, t('console.send'))), wrong,
    h('p', {class: 'help', id: 'at-help'}, t('console.help')),
    h('datalist', {id: 'at-usual'}, SUGGESTIONS.map((line) => h('option', {value: line}))));

  function submit(event) {
    event.preventDefault();
    const text = field.text();
    const masked = text.includes(MASK);
    fill(wrong, masked ? t('console.masked', {mask: MASK}) : null);
    if (masked) field.put(text);
    if (masked || splitLines(text).length === 0) return;
    field.put('');
    send(text);
  }

  function onKey(event) {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Enter' && field.hasLines() && !event.shiftKey) submit(event);
    else if (event.key === 'Escape' && field.hasLines()) field.put('');
    else if (event.key === 'ArrowUp' && field.isAtStart()) recall(event, history.back(field.text()));
    else if (event.key === 'ArrowDown' && field.isAtEnd()) recall(event, history.forth());
  }

  function recall(event, text) {
    event.preventDefault();
    if (text === null) return;
    field.put(text);
    if (field.hasLines()) announce(text);
  }

  return {node, restore: (text) => field.text() === '' && field.put(text)};
}

/** A field of one line, of several while it holds several.
 *  @return {label, inputs, text(), put(text), hasLines(), isAtStart(), isAtEnd()}: the last two say where the caret is,
 *          which only among several lines moves up and down */
function createField(onkeydown) {
  const shared = {class: 'at', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false',
    'aria-describedby': 'at-help at-error', onkeydown, onpaste: onPaste};
  const one = h('input', {...shared, type: 'text', id: 'at', list: 'at-usual', placeholder: 'AT+GMR'});
  const many = h('textarea', {...shared, id: 'at-many', rows: 6, hidden: true});
  const label = h('label', {for: 'at'}, t('console.label'));
  let input = one;

  /** What is masked is marked. The focus goes along when it is in the form, and is not taken from elsewhere. */
  function put(text) {
    const hadFocus = input.form.contains(document.activeElement);
    input = splitLines(text).length > 1 ? many : one;
    one.hidden = input === many;
    many.hidden = input === one;
    label.htmlFor = input.id;
    input.value = text;
    if (!hadFocus) return;
    input.focus();
    const masked = text.indexOf(MASK);
    if (masked >= 0) input.setSelectionRange(masked, masked + MASK.length);
  }

  /** An <input> would make one line of them. */
  function onPaste(event) {
    const text = event.clipboardData.getData('text');
    if (input === many || splitLines(text).length < 2) return;
    event.preventDefault();
    const {value, selectionStart, selectionEnd} = one;
    put(value.slice(0, selectionStart) + text.trim() + value.slice(selectionEnd));
  }

  return {label, inputs: [one, many], put,
    text: () => input.value,
    hasLines: () => input === many,
    isAtStart: () => input === one || input.selectionEnd === 0,
    isAtEnd: () => input === one || input.selectionStart === input.value.length};
}
