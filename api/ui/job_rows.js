// Jobs as the rows of a table, and what a job does or has done in a line or two.
import {h} from './dom.js';
import {badge, duration, morePages, progressBar, progressText, table, time, updateRow} from './parts.js';
import {link} from './router.js';
import {addWords, codeText, formatBytes, t, tWord} from './text.js';
import words from './words/job_list.js';

addWords(words);

/** A table of jobs, newest first, with a button for older ones.
 *  @param caption  its name for screen readers  @param none  the sentence where there is no job
 *  @return {node, jobs(), job(id), begin(page, read), take(job, isWanted)} */
export function jobRows(caption, none) {
  const list = table(caption, columns(), []);
  const empty = h('p', {class: 'empty', hidden: true}, none);
  const more = h('div');
  const rows = new Map(); // id → {job, row}
  list.node.hidden = true;

  function seeWhetherEmpty() {
    empty.hidden = rows.size > 0;
    list.node.hidden = rows.size === 0;
  }

  /** @param before  the row that it comes before; null: the last one */
  function put(job, before) {
    rows.set(job.id, {job, row: list.body.insertBefore(list.row(job), before)});
  }

  function append(jobs) {
    for (const job of jobs) if (!rows.has(job.id)) put(job, null);
    seeWhetherEmpty();
  }

  /** Show this page instead of what is here. @param read  (cursor) → {items, next}: one that follows it */
  function begin({items, next}, read) {
    rows.clear();
    list.body.replaceChildren();
    append(items);
    more.replaceChildren(morePages(next, read, append));
  }

  /** A job as it is now comes, goes, or changes in its place. */
  function take(job, isWanted) {
    const known = rows.get(job.id);
    if (known && isWanted) {
      known.job = job;
      updateRow(known.row, list.row(job));
    } else if (known) {
      known.row.remove();
      rows.delete(job.id);
    } else if (isWanted) {
      const before = newestUpTo(job.created_at, [...rows.values()]);
      if (before || !more.querySelector('button')) put(job, before?.row ?? null); // else it is on a page to come
    }
    seeWhetherEmpty();
  }

  return {node: h('div', {}, empty, list.node, more), jobs: () => [...rows.values()].map(({job}) => job),
    job: (id) => rows.get(id)?.job, begin, take};
}

/** Of @p entries {job, row} the newest that was ordered at @p at or before; undefined: there is none. */
function newestUpTo(at, entries) {
  const older = entries.filter(({job}) => job.created_at <= at);
  return older.sort((a, b) => (a.job.created_at < b.job.created_at ? 1 : -1))[0];
}

function columns() {
  return [
    {title: t('jobs.job'), cell: (job) => [h('a', {href: link`/jobs/${job.id}`}, tWord('kind', job.kind)),
      h('span', {class: 'quiet id'}, job.id)]},
    {title: t('jobs.state'), cell: (job) => badge('state', job.state)},
    {title: t('jobs.slot'), cell: (job) => h('a', {href: link`/slots/${job.slot}`}, job.slot)},
    {title: t('jobs.what'), cell: whatOf},
    {title: t('jobs.board'), cell: ({result}) => (result?.board?.mac
      ? h('a', {class: 'mac', href: link`/devices/${result.board.mac}`}, result.board.mac) : '–')},
    {title: t('jobs.actor'), cell: (job) => job.actor ?? '–'},
    {title: t('jobs.ordered'), cell: (job) => time(job.created_at)},
    {title: t('jobs.took'), cell: ({started_at: from, finished_at: to}) => h('span', {class: 'nowrap'},
      from && to ? duration(from, to) : '–')},
  ];
}

/** What it does, or how it ended, in a line or two. */
function whatOf(job) {
  if (job.error) {
    const own = codeText(job.error.code);
    return h('span', {lang: own ? null : 'en'}, own ?? job.error.detail);
  }
  const step = job.steps.at(-1);
  if (job.state !== 'running' || !step) return job.result ? workDone(job.result) : '';
  const text = progressText(job.progress);
  return [h('div', {}, tWord('step', step.name), text ? h('span', {class: 'quiet'}, ` · ${text}`) : null),
    progressBar(job.progress, tWord('step', step.name))];
}

/** What was done in a few words, and what came of it. @param result  of a job, or the detail of a device's record */
export function workDone({verdict, images, flash, read, erase, restore, firmware, lines}) {
  const names = (list, member) => [...new Set(list.map((one) => one[member]))].join(', ');
  const placeOf = ({partition, size}) => partition ?? formatBytes(size);
  const done = [
    restore ? t('done.restored', {place: restore.partition}) : null,
    images && !restore ? t('done.wrote', {names: names(images, 'partition')}) : null,
    flash ? t('done.flashed', {names: names(flash.firmware, 'name')}) : null,
    read ? t('done.read', {place: placeOf(read)}) : null,
    erase ? t('done.erased', {place: placeOf(erase)}) : null,
    lines ? t('done.lines', {n: lines.length}) : null,
    firmware && !verdict ? `${firmware.module} ${firmware.bin_version}` : null,
  ];
  return [done.filter(Boolean).map((text) => h('div', {}, text)), verdict ? verdictLine(verdict) : null];
}

function verdictLine({code, detail, warnings}) {
  const own = code === 'works' ? t('core.works') : codeText(code);
  return h('div', {class: code === 'works' ? 'quiet' : null}, h('span', {lang: own ? null : 'en'}, own ?? detail),
    warnings.length ? ` ${t('done.warnings', {n: warnings.length})}` : null);
}
