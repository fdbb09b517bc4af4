// What passed on the wire of a job: fetched when it is opened, shown a window of rows at a time, however much it is.
import {get, url} from '../api.js';
import {readOnce} from '../bench.js';
import {fill, h} from '../dom.js';
import {actionButton, announce, saveFile, showProblem, table} from '../parts.js';
import {addWords, formatNumber, t} from '../text.js';
import {hexDump, readEntries, rowsOf, searchable} from '../transcript.js';
import words from '../words/job_log.js';

addWords(words);

const WINDOW = 200; // rows that are in the page at once

/** @param hasEnded  () → whether nothing more will come
 *  @return {node, refresh()}: refresh when the job has moved; it reads again only if the log is open */
export function logView(page, id, hasEnded) {
  let entries = null;
  let rows = [];
  let first = 0; // row that the window begins with
  let found = []; // indices of rows that have what is searched for
  let at = -1; // which of them is looked at
  let ended = false; // it was read after the end

  const problemPlace = h('div');
  const place = h('div');
  const count = h('span', {role: 'status'});
  const port = choice('log.port', {'': 'log.all_ports', at: 'log.port_at', download: 'log.port_download'}, reshow);
  const view = choice('log.view', {auto: 'log.view_auto', text: 'log.view_text', hex: 'log.view_hex'}, reshow);
  const onEnter = (event) => event.key === 'Enter' && step(event.shiftKey ? -1 : 1);
  const needle = h('input', {type: 'search', autocomplete: 'off', spellcheck: 'false', oninput: () => search(false),
    onkeydown: onEnter});
  const previous = h('button', {type: 'button', class: 'plain', onclick: () => step(-1)}, t('log.previous'));
  const next = h('button', {type: 'button', class: 'plain', onclick: () => step(1)}, t('log.next'));
  const fetchLog = () => get(url`/v1/jobs/${id}/log`, {blob: true, signal: page.signal});
  const save = actionButton(t('log.save'), 'plain', problemPlace, async () => {
    saveFile(`${id}.ndjson`, await fetchLog());
  });
  const bar = h('div', {class: 'filter'}, port.label, view.label,
    h('label', {}, h('span', {}, t('log.search')), needle), h('div', {class: 'actions'}, previous, next, count, save));
  const node = h('details', {class: 'card', ontoggle: refresh}, h('summary', {}, t('log.title')),
    h('p', {class: 'quiet'}, t('log.about')), bar, problemPlace, place);

  function refresh() {
    if (!node.open || ended) return;
    readOnce(node, async () => {
      const over = hasEnded();
      entries = readEntries(await (await fetchLog()).text());
      ended = over;
      fill(problemPlace);
      rebuild();
    }, (problem) => page.signal.aborted || showProblem(problemPlace, problem));
  }

  /** Rows anew; who looks at the end goes on looking at the end. */
  function rebuild() {
    const wasAtEnd = first > 0 && first + WINDOW >= rows.length;
    rows = rowsOf(entries, view.input.value, port.input.value);
    if (wasAtEnd || first >= rows.length) first = Math.max(0, rows.length - WINDOW);
    search(true);
  }

  function reshow() {
    first = 0;
    if (entries) rebuild();
  }

  /** @param keep  the rows are new, and who looks at one of those that were found stays there */
  function search(keep) {
    const wanted = needle.value.trim().toLowerCase();
    const digits = wanted.replaceAll(/\s|0x/g, '');
    const has = (row, sought) => sought !== '' && searchable(row).includes(sought);
    found = rows.flatMap((row, i) => (has(row, row.kind === 'hex' ? digits : wanted) ? [i] : []));
    at = Math.min(keep ? Math.max(at, 0) : 0, found.length - 1);
    if (!keep && at >= 0) showRow();
    else draw();
  }

  function step(by) {
    if (found.length === 0) return;
    at = (at + by + found.length) % found.length;
    showRow();
    announce(`${count.textContent}: ${rows[found[at]].text ?? ''}`);
  }

  /** The row that is looked at is in the window, and in sight. */
  function showRow() {
    const row = found[at];
    if (row < first || row >= first + WINDOW) first = Math.floor(row / WINDOW) * WINDOW;
    draw();
    place.querySelector('tr.found')?.scrollIntoView({block: 'nearest'});
  }

  function draw() {
    const wanted = needle.value.trim();
    const figures = {at: formatNumber(at + 1), n: formatNumber(found.length)};
    previous.disabled = next.disabled = found.length === 0;
    count.textContent = wanted === '' ? '' : t(found.length ? 'log.found' : 'log.not_found', figures);
    if (rows.length === 0) {
      fill(place, h('p', {class: 'empty'}, t('log.none')));
      return;
    }
    const shown = rows.slice(first, first + WINDOW);
    const list = table(t('log.title'), columns(wanted), shown);
    list.node.classList.add('log');
    list.body.children[found[at] - first]?.classList.add('found');
    fill(place, pager(), list.node, rows.length > WINDOW ? pager() : null);
  }

  function pager() {
    const [from, to, n] = [first + 1, Math.min(first + WINDOW, rows.length), rows.length].map(formatNumber);
    const numbers = h('span', {}, t('log.rows', {from, to, n}));
    if (rows.length <= WINDOW) return h('p', {class: 'quiet'}, numbers);
    const last = Math.floor((rows.length - 1) / WINDOW) * WINDOW;
    const atStart = first === 0;
    const atEnd = first + WINDOW >= rows.length;
    return h('div', {class: 'pager'}, pageButton('log.first', 0, atStart),
      pageButton('log.before', Math.max(0, first - WINDOW), atStart), numbers,
      pageButton('log.after', Math.min(last, first + WINDOW), atEnd), pageButton('log.last', last, atEnd));
  }

  /** The button of the same name has the focus afterwards, or one that can be pressed. */
  function pageButton(label, row, disabled) {
    const name = label.replace('.', '-');
    return h('button', {type: 'button', class: `plain ${name}`, disabled, onclick: () => {
      first = row;
      draw();
      (place.querySelector(`.${name}:enabled`) ?? place.querySelector('.pager button:enabled')).focus();
    }}, t(label));
  }

  return {node, refresh};
}

function choice(label, options, onchange) {
  const input = h('select', {onchange}, Object.entries(options).map(([value, key]) => h('option', {value}, t(key))));
  return {input, label: h('label', {}, h('span', {}, t(label)), input)};
}

function columns(needle) {
  return [
    {title: t('log.ms'), cell: (row) => formatNumber(row.ms)},
    {title: t('log.who'), cell: ({dir}) => (dir ? h('span', {class: dir}, t(`log.${dir}`)) : t('log.espgate'))},
    {title: t('log.port'), cell: (row) => (row.port ? t(`log.port_${row.port}`) : '')},
    {title: t('log.what'), cell: (row) => contentOf(row, needle)},
  ];
}

function contentOf(row, needle) {
  if (row.kind === 'secret') return h('span', {class: 'secret'}, t('log.secret', {n: row.n}));
  if (row.kind === 'note') return h('em', {lang: 'en'}, row.text);
  if (row.kind === 'text') return h('pre', {}, marked(row.text, needle));
  return [row.name ? h('div', {class: 'quiet'}, row.name) : null, h('pre', {}, hexDump(row.bytes))];
}

/** What is searched for stands out. */
function marked(text, needle) {
  if (needle === '') return text;
  const parts = [];
  const low = text.toLowerCase();
  let from = 0;
  for (let i; (i = low.indexOf(needle.toLowerCase(), from)) >= 0; from = i + needle.length) {
    parts.push(text.slice(from, i), h('mark', {}, text.slice(i, i + needle.length)));
  }
  return [...parts, text.slice(from)];
}
