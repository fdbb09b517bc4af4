// How far the running step of a job is, and how fast.
import {fill, h, setText} from '../dom.js';
import {progressBar, progressText} from '../parts.js';
import {formatBytes, formatNumber, t, tWord} from '../text.js';

const RATE_OVER_MS = 5000; // long enough to be calm, short enough to be true

/** @return {node, update(job), note(data)}: note takes the data of each event of the job */
export function jobProgress() {
  const node = h('div');
  const rate = rateMeter();
  return {
    node,
    note: rate.note,
    update({state, steps, progress}) {
      if (state !== 'running' || !progress.total) {
        fill(node);
        return;
      }
      const step = tWord('step', steps.at(-1)?.name);
      draw(node, progress, [step, progressText(progress), rateText(progress.unit, rate.perSecond())]);
    },
  };
}

function draw(node, progress, figures) {
  if (!node.firstChild) {
    fill(node, h('section', {class: 'card progress'}, h('div', {class: 'bar'}), h('p', {class: 'figures'})));
  }
  const bar = node.querySelector('progress');
  if (bar) bar.value = progress.done;
  if (!bar || bar.max !== progress.total) fill(node.querySelector('.bar'), progressBar(progress, t('job.progress')));
  setText(node.querySelector('.figures'), figures.filter(Boolean).join(' · '));
}

function rateText(unit, perSecond) {
  if (perSecond === null) return null;
  return t('job.rate', {rate: unit === 'bytes' ? formatBytes(Math.round(perSecond)) : formatNumber(perSecond)});
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
