// One job: what it does as it does it, how it ended and why, what it found out, and what passed on the wire.
import {create, get, post, url} from '../api.js';
import {confirm} from '../ask.js';
import {readOnce, watchBench, watchEvents, whenBack} from '../bench.js';
import {fill, h, setText} from '../dom.js';
import {hasEnded, moved} from '../job_list.js';
import {actionButton, announce, badge, duration, facts, heading, problemBox, progressBar, progressText, time}
  from '../parts.js';
import {link} from '../router.js';
import {can} from '../session.js';
import {addWords, formatBytes, formatDuration, formatNumber, t, tWord} from '../text.js';
import words from '../words/job.js';
import {logView} from './job_log.js';
import {resultCards} from './job_result.js';
import {verdictCard} from './job_verdict.js';

addWords(words);

const TICK_MS = 1000;
const RATE_OVER_MS = 5000; // long enough to be calm, short enough to be true

export async function show(page) {
  const {id} = page.params;
  page.title(t('nav.jobs'));
  let job;
  try {
    job = await get(url`/v1/jobs/${id}`, {signal: page.signal});
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    const all = h('p', {}, h('a', {href: '#/jobs'}, t('job.all')));
    fill(page.main, heading(t('job.none')), problemBox(problem), all);
    return;
  }
  const title = `${tWord('kind', job.kind)} · ${job.slot}`;
  page.title(title);
  const problemPlace = h('div');
  const state = h('div', {class: 'job-state'});
  const buttons = h('div', {class: 'actions'});
  const parts = Object.fromEntries(['about', 'end', 'progress', 'steps', 'result'].map((name) => [name, h('div')]));
  const log = logView(page, id, () => hasEnded(job));
  fill(page.main, heading(title, buttons), problemPlace, state, parts.end, parts.progress, parts.steps, parts.about,
    parts.result, log.node);

  const act = {stopping: false, problemPlace};
  const rate = rateMeter();
  let ahead = 0; // ms that this computer's clock is ahead of the service's, once an event has told
  let told = Infinity;
  const draw = () => {
    refill(state, [job.state, act.stopping], () => [badge('state', job.state), act.stopping && !hasEnded(job)
      ? h('span', {}, t('job.stopping')) : waitingText(job)]);
    refill(buttons, [job.state, act.stopping], () => actions(job, act, draw, page));
    refill(parts.end, [job.error, job.result?.verdict, job.state], () => endOf(job));
    drawProgress(parts.progress, job, rate);
    refill(parts.steps, [job.steps, job.error], () => stepsCard(job));
    refill(parts.about, {...job, steps: null, progress: null, error: null}, () => aboutCard(job));
    refill(parts.result, [job.result, hasEnded(job)], () => resultCards(job, page));
    tick(parts.steps, job, ahead);
  };
  const take = (fresh) => {
    const ended = !hasEnded(job) && hasEnded(fresh);
    const stepped = fresh.steps.length !== job.steps.length;
    job = fresh;
    draw();
    if (ended) announce(`${title}: ${tWord('state', job.state)}`);
    if (ended || stepped) log.refresh();
  };
  const read = () => readOnce(page, async () => {
    const fresh = await get(url`/v1/jobs/${id}`, {signal: page.signal});
    if (!page.signal.aborted) take(fresh);
  });
  draw();

  const ends = [
    watchEvents(({type, data}) => {
      if (data.job !== id) return;
      rate.note(data);
      ahead = told = Math.min(told, Date.now() - Date.parse(data.at)); // the event that came fastest tells best
      if (type === 'job.progress' && job.steps.at(-1)?.name === data.step.name) take(moved(job, data));
      else read();
    }),
    watchBench(whenBack(read)),
  ];
  const timer = setInterval(() => tick(parts.steps, job, ahead), TICK_MS);
  page.signal.addEventListener('abort', () => {
    ends.forEach((end) => end());
    clearInterval(timer);
  });
}

/** Build a part anew only when what it shows has changed: who reads or works in it is not disturbed. */
function refill(place, data, build) {
  const text = JSON.stringify(data ?? null);
  if (place.shows === text) return;
  place.shows = text;
  fill(place, build());
}

function waitingText(job) {
  if (job.state !== 'queued') return null;
  return h('span', {}, job.depends_on ? t('job.waits_for_other') : t('job.waits'));
}

function actions(job, act, draw, page) {
  if (!can('operator')) return [];
  if (hasEnded(job)) {
    return actionButton(t('job.retry'), 'main', act.problemPlace, async () => {
      const fresh = await create(url`/v1/jobs/${job.id}/retry`);
      page.go(link`/jobs/${fresh.id}`);
    });
  }
  const cancel = actionButton(t('job.cancel'), 'danger', act.problemPlace, async () => {
    const text = t(job.state === 'queued' ? 'job.cancel_queued' : 'job.cancel_running');
    if (!await confirm(t('job.cancel_title'), text, t('job.cancel'))) return;
    await post(url`/v1/jobs/${job.id}/cancel`); // an event tells how it ended
    act.stopping = true;
    draw();
  });
  return act.stopping ? h('button', {type: 'button', disabled: true}, t('job.cancel')) : cancel;
}

/** Why it did not succeed, or that it did; a verdict explains either. */
function endOf(job) {
  const verdict = job.result?.verdict;
  return [job.error && job.error.code !== 'cancelled' ? problemBox(job.error) : null,
    verdict ? verdictCard(verdict) : null,
    job.state === 'interrupted' && !job.error ? h('p', {class: 'problem'}, t('job.interrupted')) : null];
}

function stepsCard(job) {
  if (job.steps.length === 0) return [];
  return h('section', {class: 'card'}, h('h2', {}, t('job.steps')), h('ol', {class: 'steps'}, job.steps.map((step) =>
    h('li', {class: step.state}, h('span', {class: 'name'}, tWord('step', step.name)), badge('state', step.state),
      h('span', {class: 'at quiet'}, step.started_at ? time(step.started_at) : null),
      h('span', {class: 'took'}, step.state === 'running' || !step.started_at ? '' : formatDuration(step.ms)),
      whyOf(step, job)))));
}

/** The error of the step that ended the job is the job's own, and stands above the steps. */
function whyOf(step, job) {
  if (step.reason) return h('p', {class: 'why quiet', lang: 'en'}, step.reason);
  if (!step.error || step.error.code === 'cancelled' || job.error?.detail === step.error.detail) return null;
  return h('div', {class: 'why'}, problemBox(step.error));
}

/** The time that the running step has taken so far. */
function tick(place, job, ahead) {
  const took = place.querySelector('li.running .took');
  const step = job.steps.at(-1);
  if (took && step.started_at) setText(took, duration(step.started_at, Date.now() - ahead));
}

function drawProgress(place, job, rate) {
  const {progress} = job;
  if (job.state !== 'running' || !progress.total) {
    fill(place);
    return;
  }
  const step = tWord('step', job.steps.at(-1)?.name);
  if (!place.firstChild) {
    fill(place, h('section', {class: 'card progress'}, h('div', {class: 'bar'}), h('p', {class: 'figures'})));
  }
  const speed = rate.perSecond();
  const text = [step, progressText(progress), speed === null ? null : t('job.rate', {rate: progress.unit === 'bytes'
    ? formatBytes(Math.round(speed)) : formatNumber(speed)})].filter(Boolean).join(' · ');
  const bar = place.querySelector('progress');
  if (bar) bar.value = progress.done;
  if (!bar || bar.max !== progress.total) fill(place.querySelector('.bar'), progressBar(progress, t('job.progress')));
  setText(place.querySelector('.figures'), text);
}

/** How fast the transfer is, from the newest events: by the service's clock, so that the network has no part in it. */
function rateMeter() {
  let step = null;
  let seen = [];
  return {
    note({at, step: now, progress}) {
      if (!progress) return;
      if (now.name !== step || progress.done < (seen.at(-1)?.done ?? 0)) seen = [];
      step = now.name;
      seen.push({ms: Date.parse(at), done: progress.done});
      while (seen.length > 2 && seen.at(-1).ms - seen[0].ms > RATE_OVER_MS) seen.shift();
    },
    /** null: not known yet */
    perSecond() {
      const ms = seen.length < 2 ? 0 : seen.at(-1).ms - seen[0].ms;
      return ms > 0 ? (1000 * (seen.at(-1).done - seen[0].done)) / ms : null;
    },
  };
}

function aboutCard(job) {
  const to = (address, text) => h('a', {href: address}, text);
  const mac = job.result?.board?.mac;
  return h('section', {class: 'card'}, h('h2', {}, t('job.about')), facts([
    [t('job.slot'), to(link`/slots/${job.slot}`, job.slot)],
    [t('job.board'), mac ? to(link`/devices/${mac}`, mac) : null],
    [t('job.actor'), job.actor],
    [t('job.ordered'), time(job.created_at)],
    [t('job.started'), job.started_at ? time(job.started_at) : null],
    [t('job.finished'), job.finished_at ? time(job.finished_at) : null],
    [t('job.took'), job.started_at && job.finished_at ? duration(job.started_at, job.finished_at) : null],
    [t('job.credential'), job.credential ? to(`#/credentials?id=${job.credential}`, job.credential) : null],
    [t('job.firmware'), job.firmware ? to(`#/firmware?id=${job.firmware}`, job.firmware) : null],
    [t('job.profile'), job.result?.profile],
    [t('job.retry_of'), job.retry_of ? to(link`/jobs/${job.retry_of}`, job.retry_of) : null],
    [t('job.depends_on'), job.depends_on ? to(link`/jobs/${job.depends_on}`, job.depends_on) : null],
    [t('job.priority'), job.priority],
    [t('job.deadline'), job.deadline_at ? time(job.deadline_at) : null],
    [t('job.id'), h('code', {}, job.id)],
  ]));
}
