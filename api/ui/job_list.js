// Jobs, newest first, as they change: all, or those of a slot, a kind or a state.
import {get, query, url} from './api.js';
import {NOTHING_MOVED, readOnce, watchBench, watchEvents, whenBack} from './bench.js';
import {ENDED} from './choices.js';
import {jobRows} from './job_rows.js';

const PAGE = 50;
let lists = 0;

export function hasEnded(job) {
  return ENDED.includes(job.state);
}

/** @param caption  its name for screen readers  @param none  the sentence where there is no job
 *  @return {node, show(filter, signal)}: filter has slot, kind and state as GET /v1/jobs takes them */
export function jobList(page, caption, none) {
  const rows = jobRows(caption, none);
  let filter = {};
  let showing = Promise.resolve(); // what is asked for meanwhile is newer than what it shows

  const read = (cursor, signal = page.signal) => get(`/v1/jobs${query({...filter, limit: PAGE, cursor})}`, {signal});

  function show(wanted, signal) {
    filter = wanted;
    const reading = read(undefined, signal).then((first) => rows.begin(first, read));
    showing = reading.catch(() => {}); // who called is told
    return reading;
  }

  const take = (job) => rows.take(job, fits(job, filter));

  const own = ++lists; // what another list reads ends with that one's page
  const ask = (id) => readOnce(`list ${own} ${id}`, async () => {
    await showing;
    const job = await get(url`/v1/jobs/${id}`, {signal: page.signal});
    if (!page.signal.aborted) take(job);
  });

  function onEvent({type, data}) {
    if (!data.job || (filter.slot && data.slot !== filter.slot) || (filter.kind && data.kind !== filter.kind)) return;
    const known = rows.job(data.job);
    if (type === 'job.step' || type === 'job.progress') {
      if (known) take(moved(known, data));
      if (known && !known.result?.board && type === 'job.step') ask(data.job); // the board may be known by now
    } else if (known || !filter.state || data.state === filter.state) {
      ask(data.job);
    }
  }

  /** After a time without news: what had not ended is asked for, and what is new comes on top. */
  async function catchUp() {
    for (const job of rows.jobs()) if (!hasEnded(job)) ask(job.id);
    const {items} = await read();
    const hasGap = rows.jobs().length > 0 && items.length > 0 && !items.some(({id}) => rows.job(id));
    if (hasGap) await show(filter, page.signal);
    else for (const job of items) if (!rows.job(job.id)) take(job);
  }

  const ends = [watchEvents(onEvent), watchBench(whenBack(() => readOnce(rows, catchUp)))];
  page.signal.addEventListener('abort', () => ends.forEach((end) => end()));
  return {node: rows.node, show};
}

function fits(job, filter) {
  return Object.entries(filter).every(([name, value]) => !value || job[name] === value);
}

/** The job after an event of one of its steps. */
export function moved(job, {state, step, progress}) {
  const last = job.steps.at(-1);
  const goesOn = last?.name === step.name;
  const steps = goesOn ? [...job.steps.slice(0, -1), {...last, ...step}] : [...job.steps, step];
  return {...job, state, steps, progress: progress ?? (goesOn ? job.progress : NOTHING_MOVED)};
}
