// What a list shows: fields above it, kept in the address, so that a link or Back shows the same again.
import {fill, h} from './dom.js';
import {showProblem} from './parts.js';
import {keepInAddress} from './router.js';

const TYPING_MS = 300; // after the last key: then it is a word, and worth a question

/** @param address  of the page, '#/jobs'  @param fields  [{name, label, options: [[value, text]]}] a choice, or without
 *                 options a text; further attributes go to the element
 *  @param show    async (values, signal): show what these choose; signal aborts when others were chosen meanwhile
 *  @return {node, apply()}: apply shows what the address chooses, or the same again; problems stand below the fields */
export function filterBar(page, address, fields, show) {
  const problemPlace = h('div');
  const inputs = fields.map((field) => inputOf(field, page.query[field.name] ?? ''));
  let typing = 0;
  let asking = new AbortController();

  const values = () => Object.fromEntries(inputs.map((input) => [input.name, input.value.trim()]));
  async function apply() {
    clearTimeout(typing);
    asking.abort();
    asking = new AbortController();
    const {signal} = asking;
    keepInAddress(address, values());
    try {
      await show(values(), AbortSignal.any([page.signal, signal]));
      if (!signal.aborted) fill(problemPlace);
    } catch (problem) {
      if (!signal.aborted && !page.signal.aborted) showProblem(problemPlace, problem);
    }
  }
  const onInput = (event) => {
    clearTimeout(typing);
    typing = setTimeout(apply, event.target.tagName === 'SELECT' ? 0 : TYPING_MS);
  };
  page.signal.addEventListener('abort', () => clearTimeout(typing));
  const labels = inputs.map((input, i) => h('label', {}, h('span', {}, fields[i].label), input));
  const node = h('form', {class: 'filter', role: 'search', oninput: onInput, onsubmit: (event) => {
    event.preventDefault();
    apply();
  }}, labels);
  return {node: h('div', {}, node, problemPlace), apply};
}

function inputOf({name, label, options, ...rest}, value) {
  if (!options) return h('input', {type: 'search', autocomplete: 'off', spellcheck: 'false', ...rest, name, value});
  return h('select', {...rest, name, value}, options.map(([key, text]) => h('option', {value: key}, text)));
}
