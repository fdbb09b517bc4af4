// Jobs, newest first, as they change: all, or those of a slot, a kind or a state.
import {get, query, url} from './api.js';
import {connection, readOnce, watchBench, watchEvents} from './bench.js';
import {ENDED} from './choices.js';
import {h} from './dom.js';
import {badge, duration, morePages, progressBar, progressText, table, time, updateRow} from './parts.js';
import {link} from './router.js';
import {addWords, codeText, formatBytes, t, tWord} from './text.js';
import words from './words/job_list.js';

addWords(words);

const PAGE = 50;
let lists = 0;

export function hasEnded(job) {
  return ENDED.includes(job.state);
}

/** @param caption  its name for screen readers  @param none  the sentence where there is no job
 *  @return {node, show(filter, signal)}: filter has slot, kind and state as GET /v1/jobs takes them */
export function jobList(page, caption, none) {
  const list = table(caption, columns(), []);
  const empty = h('p', {class: 'empty', hidden: true}, none);
  const more = h('div');
  const rows = new Map(); // id → {job, row}
  let filter = {};
  let showing = Promise.resolve(); // what is asked for meanwhile is newer than what it shows
  list.node.hidden = true;

  const read = (cursor, signal = page.signal) => get(`/v1/jobs${query({...filter, limit: PAGE, cursor})}`, {signal});

  function show(wanted, signal) {
    filter = wanted;
    const reading = read(undefined, signal).then(begin);
    showing = reading.catch(() => {}); // who called is told
    return reading;
  }

  function begin(first) {
    rows.clear();
    list.body.replaceChildren();
    append(first.items);
    more.replaceChildren(morePages(first.next, read, append));
  }

  function append(jobs) {
    for (const job of jobs) if (!rows.has(job.id)) put(job, null);
    seeWhetherEmpty();
  }

  /** @param before  the row that it comes before; null: the last one */
  function put(job, before) {
    const row = list.row(job);
    rows.set(job.id, {job, row});
    list.body.insertBefore(row, before);
  }

  function seeWhetherEmpty() {
    empty.hidden = rows.size > 0;
    list.node.hidden = rows.size === 0;
  }

  /** A job as it is now comes, goes, or changes in its place. */
  function take(job) {
    const known = rows.get(job.id);
    const wanted = Object.entries(filter).every(([name, value]) => !value || job[name] === value);
    if (known && wanted) {
      known.job = job;
      updateRow(known.row, list.row(job));
    } else if (known) {
      known.row.remove();
      rows.delete(job.id);
    } else if (wanted) {
      const older = [...rows.values()].filter((other) => other.job.created_at <= job.created_at);
      const [before] = older.sort((a, b) => (a.job.created_at < b.job.created_at ? 1 : -1));
      if (before || !more.querySelector('button')) put(job, before?.row ?? null); // else it is on a page to come
    }
    seeWhetherEmpty();
  }

  const own = ++lists; // what another list reads ends with that one's page
  const ask = (id) => readOnce(`list ${own} ${id}`, async () => {
    await showing;
    const job = await get(url`/v1/jobs/${id}`, {signal: page.signal});
    if (!page.signal.aborted) take(job);
  });

  function onEvent({type, data}) {
    if (!data.job || (filter.slot && data.slot !== filter.slot) || (filter.kind && data.kind !== filter.kind)) return;
    const known = rows.get(data.job);
    if (type === 'job.step' || type === 'job.progress') {
      if (known) take(moved(known.job, data));
      if (known && !known.job.result?.board && type === 'job.step') ask(data.job); // the board may be known by now
    } else if (known || !filter.state || data.state === filter.state) {
      ask(data.job);
    }
  }

  /** After a time without news: what had not ended is asked for, and what is new comes on top. */
  async function catchUp() {
    for (const {job} of rows.values()) if (!hasEnded(job)) ask(job.id);
    const first = await read();
    const hasGap = rows.size > 0 && first.items.length > 0 && !first.items.some((job) => rows.has(job.id));
    if (hasGap) await show(filter, page.signal);
    else for (const job of first.items) if (!rows.has(job.id)) take(job);
  }

  const ends = [watchEvents(onEvent), watchBench(whenBack(() => readOnce(list, catchUp)))];
  page.signal.addEventListener('abort', () => ends.forEach((end) => end()));
  return {node: h('div', {}, empty, list.node, more), show};
}

/** For watchBench: calls @p back when the service is there again, or is there first. */
export function whenBack(back) {
  let was = connection.state;
  return () => {
    if (was !== 'live' && connection.state === 'live') back();
    was = connection.state;
  };
}

/** The job after an event of one of its steps. */
export function moved(job, {state, step, progress}) {
  const last = job.steps.at(-1);
  const goesOn = last?.name === step.name;
  const steps = goesOn ? [...job.steps.slice(0, -1), {...last, ...step}] : [...job.steps, step];
  return {...job, state, steps, progress: progress ?? job.progress};
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
