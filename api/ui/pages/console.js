// The serial console of a slot. What is entered is a job of kind at: it waits for its turn, never races another job,
// and its answer is the job's.
import {create, get, post, url} from '../api.js';
import {readOnce, running, slots, watchBench, watchEvents} from '../bench.js';
import {fill, h, setText} from '../dom.js';
import {actionButton, badge, ownWords, sentences} from '../parts.js';
import {link} from '../router.js';
import {kept} from '../session.js';
import {t, tWord} from '../text.js';
import {createEntry} from './console_entry.js';
import {maskLine, openHistory, splitLines} from './at_lines.js';

const KEPT = 50;

/** @param page  whose signal ends it  @return its nodes */
export function createConsole(slot, page) {
  const log = h('div', {class: 'at-log', role: 'log', 'aria-label': t('console.log'), tabindex: '0'});
  const place = h('div');
  const history = openHistory();
  const keptAs = `console ${slot}`;
  if (!kept.has(keptAs)) kept.set(keptAs, []);
  const sent = kept.get(keptAs); // {lines, job, problem, view}, oldest first
  const entry = createEntry(history, send);
  for (const one of sent) log.append(viewOf(one));

  /** One after the other, so that they are queued as they were entered. */
  let last = Promise.resolve();
  function send(text) {
    const lines = splitLines(text);
    const one = {lines: lines.map(maskLine), job: null, problem: null, view: null};
    history.add(one.lines.join('\n'));
    fill(place);
    sent.push(one);
    if (sent.length > KEPT) sent.shift().view.node.remove();
    log.append(viewOf(one));
    toEnd();
    last = last.then(async () => {
      try {
        one.job = await create('/v1/jobs', {kind: 'at', slot, lines});
        await refresh(one); // it may have ended before its id was known here
      } catch (problem) {
        one.problem = problem;
        entry.restore(text);
        one.view.update();
        if (problem.code === undefined) reportError(problem); // what is sent next goes its way all the same
      }
      toEnd();
    });
  }

  function viewOf(one) {
    one.view = logEntry(slot, one, place);
    one.view.update();
    return one.view.node;
  }

  function refresh(one) {
    return readOnce(one, async () => {
      one.job = await get(url`/v1/jobs/${one.job.id}`);
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
      one.view.update();
      if (atEnd) toEnd();
    });
  }

  function toEnd() {
    log.scrollTop = log.scrollHeight;
  }

  const pending = () => sent.filter(({job}) => job && job.finished_at === null);
  const ends = [
    watchEvents(({type, data}) => {
      const one = type !== 'job.progress' && pending().find(({job}) => job.id === data.job);
      if (one) refresh(one);
    }),
    watchBench(({all, names}) => {
      if (all) pending().forEach(refresh);
      else if (names.has(slot)) for (const one of pending()) one.view.update();
    }),
  ];
  page.signal.addEventListener('abort', () => ends.forEach((end) => end()));
  pending().forEach(refresh);
  return [log, place, entry.node];
}

/** What was sent, how it stands, and what was answered. */
function logEntry(slot, one, place) {
  const state = h('span');
  const why = h('span', {class: 'quiet'});
  const cancel = actionButton(t('core.cancel'), 'plain small', place, () => post(url`/v1/jobs/${one.job.id}/cancel`));
  const said = h('div', {class: 'at-said'});
  const node = h('div', {class: 'turn'}, said, h('p', {class: 'state'}, state, why, cancel));
  let shown;
  return {
    node,
    update() {
      const now = one.problem ? 'refused' : one.job?.state ?? 'sending';
      cancel.hidden = !['queued', 'running'].includes(now);
      setText(why, now === 'queued' ? waitsFor(slot, one.job) : '');
      if (shown === now) return;
      shown = now;
      fill(state, ['sending', 'refused'].includes(now) ? t(`console.${now}`) : badge('state', now));
      const error = one.problem ?? one.job?.error;
      fill(said, answers(one), error ? h('div', {class: 'problem'}, sentences(error), ownWords(error),
        one.job ? h('a', {href: link`/jobs/${one.job.id}`}, t('console.job')) : null) : null);
    },
  };
}

/** Each line with what the board said to it; those behind a line that was refused were not sent. */
function answers({lines, job}) {
  const results = new Map((job?.result?.lines ?? []).map((result) => [result.line, result]));
  return lines.map((line, i) => {
    const result = results.get(i);
    const text = result ? [...result.answer, result.ok ? 'OK' : 'ERROR'] : [];
    return [h('p', {class: 'sent'}, h('code', {}, line), job?.finished_at && !result
      ? h('span', {class: 'quiet'}, ' ', t('console.unsent')) : null),
    text.length ? h('pre', {class: result.ok ? 'answer' : 'answer error'}, text.join('\n')) : null];
  });
}

/** Why it has not begun. */
function waitsFor(slot, job) {
  if (slots.get(slot)?.hold?.state === 'paused') return t('console.paused');
  const work = running.get(slot);
  if (!work || work.id === job.id) return t('console.waits');
  const what = t('wall.job', {kind: tWord('kind', work.kind), what: work.step ? tWord('step', work.step.name) : '…'});
  return t('console.waits_for', {what, who: work.actor ?? '–'});
}
