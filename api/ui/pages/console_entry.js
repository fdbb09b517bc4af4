// Where AT lines are entered: one line with suggestions, or several, when several are pasted. Arrow up and down go
// through what was sent before; what is masked there must be put in again.
import {fill, h} from '../dom.js';
import {announce} from '../parts.js';
import {t} from '../text.js';
import {MASK, SUGGESTIONS, splitLines} from './at_lines.js';

/** @param history  of openHistory()  @param send  (text)
 *  @return {node, restore(text)}: restore puts back what could not be sent, unless there is something else by now */
export function createEntry(history, send) {
  const wrong = h('p', {class: 'field-error', id: 'at-error', role: 'alert'});
  const shared = {class: 'at', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false',
    'aria-describedby': 'at-help at-error', onkeydown: onKey, onpaste: onPaste};
  const one = h('input', {...shared, type: 'text', id: 'at', list: 'at-usual', placeholder: 'AT+GMR'});
  const many = h('textarea', {...shared, id: 'at-many', rows: 6, hidden: true});
  const label = h('label', {for: 'at'}, t('console.label'));
  const node = h('form', {class: 'console-entry', onsubmit: submit}, label,
    h('div', {class: 'row'}, one, many, h('button', {type: 'submit', class: 'main'}, t('console.send'))), wrong,
    h('p', {class: 'help', id: 'at-help'}, t('console.help')),
    h('datalist', {id: 'at-usual'}, SUGGESTIONS.map((line) => h('option', {value: line}))));
  let input = one;

  /** The focus goes along when it is here, and is not taken from elsewhere. */
  function put(text) {
    const hadFocus = node.contains(document.activeElement);
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

  function submit(event) {
    event.preventDefault();
    const text = input.value;
    const masked = text.includes(MASK);
    fill(wrong, masked ? t('console.masked', {mask: MASK}) : null);
    if (masked) put(text);
    if (masked || splitLines(text).length === 0) return;
    put('');
    send(text);
  }

  function onKey(event) {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Enter' && input === many && !event.shiftKey) submit(event);
    else if (event.key === 'Escape' && input === many) put('');
    else if (event.key === 'ArrowUp' && atEdge('start')) recall(event, history.back(input.value));
    else if (event.key === 'ArrowDown' && atEdge('end')) recall(event, history.forth());
  }

  /** Among several lines the arrows move the caret, until it is at an end. */
  function atEdge(edge) {
    if (input === one) return true;
    return edge === 'start' ? input.selectionEnd === 0 : input.selectionStart === input.value.length;
  }

  function recall(event, text) {
    event.preventDefault();
    if (text === null) return;
    put(text);
    if (input === many) announce(text);
  }

  /** An <input> would make one line of them. */
  function onPaste(event) {
    const text = event.clipboardData.getData('text');
    if (input === many || splitLines(text).length < 2) return;
    event.preventDefault();
    const {value, selectionStart, selectionEnd} = one;
    put(value.slice(0, selectionStart) + text.trim() + value.slice(selectionEnd));
  }

  return {node, restore: (text) => input.value === '' && put(text)};
}
