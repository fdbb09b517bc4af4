// What passed on the wire of a job: fetched when it is opened, shown a window of rows at a time, however much it is.
import {get, url} from '../api.js';
import {readOnce} from '../bench.js';
import {fill, h} from '../dom.js';
import {actionButton, announce, saveFile, showProblem, table} from '../parts.js';
import {addWords, formatNumber, t} from '../text.js';
import {hexDump, readEntries, rowsOf} from '../transcript.js';
import words from '../words/job_log.js';
import {LogWindow} from './log_window.js';

addWords(words);

/** @param hasEnded  () → whether nothing more will come
 *  @return {node, refresh()}: refresh when the job has moved; it reads again only if the log is open */
export function logView(page, id, hasEnded) {
  const problemPlace = h('div');
  const fetchLog = () => get(url`/v1/jobs/${id}/log`, {blob: true, signal: page.signal});
  const save = actionButton(t('log.save'), 'plain', problemPlace, async () => {
    saveFile(`${id}.ndjson`, await fetchLog());
  });
  const reader = logReader(save);
  const node = h('details', {class: 'card', ontoggle: refresh}, h('summary', {}, t('log.title')),
    h('p', {class: 'quiet'}, t('log.about')), reader.bar, problemPlace, reader.place);
  let ended = false; // it was read after the end

  function refresh() {
    if (!node.open || ended) return;
    readOnce(node, async () => {
      const over = hasEnded();
      const entries = readEntries(await (await fetchLog()).text());
      ended = over;
      fill(problemPlace);
      reader.show(entries);
    }, (problem) => page.signal.aborted || showProblem(problemPlace, problem));
  }

  return {node, refresh};
}

/** Rows, and above them the fields that say which and how. @param save  a button among these
 *  @return {bar, place, show(entries)} */
function logReader(save) {
  let entries = null; // nothing was read yet
  const log = new LogWindow();
  const place = h('div');
  const bar = logBar({reshow, search, step}, save);

  function show(fresh) {
    entries = fresh;
    log.take(rowsOf(entries, bar.view(), bar.port()), bar.wanted());
    draw();
  }

  function reshow() {
    log.turnTo('first');
    if (entries) show(entries);
  }

  function search() {
    log.search(bar.wanted());
    drawInSight();
  }

  function step(by) {
    const row = log.step(by);
    if (row === undefined) return;
    drawInSight();
    announce(`${bar.figures()}: ${row.text ?? ''}`);
  }

  /** The button of the same name has the focus afterwards, or one that can be pressed. */
  function turnTo(name) {
    log.turnTo(name);
    draw();
    (place.querySelector(`.log-${name}:enabled`) ?? place.querySelector('.pager button:enabled')).focus();
  }

  function draw() {
    bar.tell(log);
    fill(place, log.rows.length ? windowOf(log, bar.wanted(), turnTo) : h('p', {class: 'empty'}, t('log.none')));
  }

  /** The row that is looked at is in sight. */
  function drawInSight() {
    draw();
    place.querySelector('tr.found')?.scrollIntoView({block: 'nearest'});
  }

  return {bar: bar.node, place, show};
}

/** Its functions: a field says something else; what is searched for does; look at the next one or the one before. */
function logBar({reshow, search, step}, save) {
  const port = choice('log.port', {'': 'log.all_ports', at: 'log.port_at', download: 'log.port_download'}, reshow);
  const view = choice('log.view', {auto: 'log.view_auto', text: 'log.view_text', hex: 'log.view_hex'}, reshow);
  const needle = h('input', {type: 'search', autocomplete: 'off', spellcheck: 'false', oninput: search,
    onkeydown: (event) => event.key === 'Enter' && step(event.shiftKey ? -1 : 1)});
  const previous = h('button', {type: 'button', class: 'plain', onclick: () => step(-1)}, t('log.previous'));
  const next = h('button', {type: 'button', class: 'plain', onclick: () => step(1)}, t('log.next'));
  const count = h('span', {role: 'status'});
  const wanted = () => needle.value.trim();
  return {
    node: h('div', {class: 'filter'}, port.label, view.label, h('label', {}, h('span', {}, t('log.search')), needle),
      h('div', {class: 'actions'}, previous, next, count, save)),
    port: () => port.input.value,
    view: () => view.input.value,
    wanted,
    figures: () => count.textContent,
    /** Which of how many that were found is looked at */
    tell({at, found}) {
      const figures = {at: formatNumber(at + 1), n: formatNumber(found.length)};
      previous.disabled = next.disabled = found.length === 0;
      count.textContent = wanted() === '' ? '' : t(found.length ? 'log.found' : 'log.not_found', figures);
    },
  };
}

function choice(label, options, onchange) {
  const input = h('select', {onchange}, Object.entries(options).map(([value, key]) => h('option', {value}, t(key))));
  return {input, label: h('label', {}, h('span', {}, t(label)), input)};
}

/** @param turnTo  (name): show another window, as log.begins has them */
function windowOf(log, wanted, turnTo) {
  const list = table(t('log.title'), columns(wanted), log.shown);
  list.node.classList.add('log');
  list.body.children[log.found[log.at] - log.first]?.classList.add('found');
  return [pager(log, turnTo), list.node, log.isWhole ? null : pager(log, turnTo)];
}

function pager(log, turnTo) {
  const [from, to, n] = [log.first + 1, log.first + log.shown.length, log.rows.length].map(formatNumber);
  const numbers = h('span', {}, t('log.rows', {from, to, n}));
  if (log.isWhole) return h('p', {class: 'quiet'}, numbers);
  const button = (name, disabled) => h('button', {type: 'button', class: `plain log-${name}`, disabled,
    onclick: () => turnTo(name)}, t(`log.${name}`));
  return h('div', {class: 'pager'}, button('first', log.first === 0), button('before', log.first === 0), numbers,
    button('after', log.isAtEnd), button('last', log.isAtEnd));
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
