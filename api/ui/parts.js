// What several pages show alike.
import {fill, h} from './dom.js';
import {codeText, formatBytes, formatDuration, formatNumber, formatTime, t, tWord} from './text.js';

/** The page's heading, with what can be done at its right. It takes the focus after a change of page. */
export function heading(title, ...actions) {
  return h('header', {class: 'heading'}, h('h1', {tabindex: '-1'}, title), h('div', {class: 'actions'}, actions));
}

/** What a page says to a reader whose scope does not reach it. */
export function mayNotSee(scope) {
  return h('p', {class: 'empty'}, t('core.may_not', {scope: t(`scope.${scope}`)}));
}

/** A state in words and colour; the words are enough. */
export function badge(group, word) {
  return h('span', {class: `badge ${word}`}, tWord(group, word));
}

/** What went wrong: a Problem, a job's or step's error. In Chinese the service's own words stand below. */
export function problemBox(problem) {
  return h('div', {class: 'problem', role: 'alert'}, sentences(problem),
    problem.errors?.length ? h('ul', {}, problem.errors.map((error) => h('li', {}, h('code', {}, error.pointer), ' ',
      error.detail))) : null,
    ownWords(problem),
    h('p', {class: 'quiet'}, t('core.code'), ' ', h('code', {}, problem.code),
      problem.step ? [' · ', t('core.step'), ' ', tWord('step', problem.step)] : null,
      problem.device ? [' · ', t('core.device_said'), ' ', h('code', {}, problem.device)] : null));
}

/** What is and what to do, as two paragraphs, in the reader's language where it has words for it. */
export function sentences(problem) {
  const own = translated(problem);
  if (own !== null) return [h('p', {class: 'what'}, own)];
  const lang = problem.status === 0 ? null : 'en';
  return [h('p', {class: 'what', lang}, problem.detail),
    problem.hint ? h('p', {class: 'hint', lang}, problem.hint) : null];
}

/** The service's own words, where sentences() has others; else null. */
export function ownWords(problem) {
  const {detail, hint} = problem;
  if (translated(problem) === null) return null;
  return h('p', {class: 'quiet', lang: 'en'}, [detail, hint].filter(Boolean).join(' · '));
}

/** What the page has found itself (status 0) it has said in the reader's language. */
function translated({status, code}) {
  return status === 0 ? null : codeText(code);
}

/** What is to be looked at, though nothing has failed. @param finding  {code, detail, hint}  @param mark  before it */
export function warningBox(finding, mark) {
  return h('div', {class: 'warning'}, mark, sentences(finding), ownWords(finding),
    h('p', {class: 'quiet'}, t('core.code'), ' ', h('code', {}, finding.code)));
}

/** Show the Problem in @p place until the next attempt; says it to screen readers as well. Other errors are bugs. */
export function showProblem(place, problem) {
  if (problem.code === undefined) throw problem;
  fill(place, problemBox(problem));
  place.scrollIntoView({block: 'nearest'});
}

/** What @p reading gives; null where there is no such thing, which the page then says. @param back  a link */
export function orNone(page, reading, title, back) {
  return reading.catch((problem) => {
    if (problem.status !== 404) throw problem;
    fill(page.main, heading(title), problemBox(problem), h('p', {}, back));
    return null;
  });
}

/** A <progress> with its figures as its name; total 0: it moves without an end in sight. */
export function progressBar({done, total, unit}, label) {
  const known = total > 0;
  return h('progress', {max: known ? String(total) : null, value: known ? done : undefined,
    'aria-label': label ?? progressText({done, total, unit})});
}

export function progressText({done, total, unit}) {
  if (!total) return '';
  const figure = unit === 'bytes' ? formatBytes : formatNumber;
  return `${Math.floor((100 * done) / total)} % · ${figure(done)} / ${figure(total)}`;
}

export function time(iso) {
  return iso ? h('time', {datetime: iso, title: iso}, formatTime(iso)) : '–';
}

/** How long a job or step took, or has taken so far. */
export function duration(from, to) {
  return formatDuration(Math.max(0, (to ? new Date(to) : new Date()) - new Date(from)));
}

/** A definition list of pairs; those without a value are left out. */
export function facts(pairs) {
  return h('dl', {class: 'facts'}, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

/** @param columns  [{title, cell: (item) => nodes}]; the first cell heads its row */
export function table(caption, columns, items) {
  const row = (item) => h('tr', {}, columns.map((column, i) => h(i ? 'td' : 'th', {scope: i ? null : 'row',
    'data-label': column.title}, column.cell(item))));
  const body = h('tbody', {}, items.map(row));
  const node = h('div', {class: 'table', role: 'region', 'aria-label': caption, tabindex: '0'}, h('table', {},
    h('caption', {class: 'unseen'}, caption),
    h('thead', {}, h('tr', {}, columns.map((column) => h('th', {scope: 'col'}, column.title)))), body));
  return {node, body, row, add: (more) => body.append(...more.map(row))};
}

/** Make a row say what @p next says. Cells that say it already are left alone: who works in one is not disturbed. */
export function updateRow(row, next) {
  const fresh = [...next.children];
  [...row.children].forEach((cell, i) => {
    if (!cell.isEqualNode(fresh[i])) cell.replaceWith(fresh[i]);
  });
}

/** A list of the service that comes in pages: its first page, and a button for more.
 *  @param read  (cursor or undefined) → {items, next}  @param none  the sentence when there is nothing at all */
export async function pagedTable(caption, columns, read, none) {
  const first = await read();
  if (first.items.length === 0) return h('p', {class: 'empty'}, none);
  const {node, add} = table(caption, columns, first.items);
  return h('div', {}, node, morePages(first.next, read, add));
}

/** A button for the pages that follow the first. @param next  cursor or null  @param add  gets the items of each */
export function morePages(next, read, add) {
  const place = h('div', {class: 'more'});
  const more = h('button', {type: 'button', class: 'plain', onclick: () => whileBusy(more, async () => {
    try {
      const page = await read(next);
      add(page.items);
      next = page.next;
      fill(place, next ? more : null);
    } catch (problem) {
      showProblem(place, problem);
      place.append(more);
    }
  })}, t('core.more'));
  fill(place, next ? more : null);
  return place;
}

/** A button that does something at the service: it waits for the end, and problems go into @p place. */
export function actionButton(label, style, place, act) {
  const button = h('button', {type: 'button', class: style, onclick: () => whileBusy(button, async () => {
    fill(place);
    try {
      await act();
    } catch (problem) {
      showProblem(place, problem);
    }
  })}, label);
  return button;
}

/** Disable the button until @p act has ended. A browser takes the focus from what is disabled: it is given back. */
export async function whileBusy(button, act) {
  const hadFocus = document.activeElement === button;
  button.disabled = true;
  try {
    await act();
  } finally {
    button.disabled = false;
    if (hadFocus && document.activeElement === document.body) button.focus();
  }
}

/** Hand a file to the reader. */
export function saveFile(name, blob) {
  const address = URL.createObjectURL(blob);
  h('a', {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

/** Say it to screen readers, without showing it. */
export function announce(text) {
  document.getElementById('said').textContent = text;
}
