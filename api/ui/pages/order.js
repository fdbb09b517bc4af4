// A job that is ordered with one press, from where there is no place for a problem: that is told in a dialog.
import {create} from '../api.js';
import {tell} from '../ask.js';
import {h} from '../dom.js';
import {problemBox, whileBusy} from '../parts.js';
import {tWord} from '../text.js';

/** Do something; what the service objects is told. @return what @p act gave, or null when it was refused */
export async function attempt(title, act) {
  try {
    return await act();
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    await tell(title, problemBox(problem));
    return null;
  }
}

/** Order a job. @return the Job, or null when it was refused */
export function order(body) {
  return attempt(`${tWord('kind', body.kind)}: ${body.slot}`, () => create('/v1/jobs', body));
}

/** A button for a kind that needs no settings. */
export function orderButton(kind, slot, style = 'plain') {
  const label = tWord('kind', kind);
  const button = h('button', {type: 'button', class: style, 'aria-label': `${label}: ${slot}`,
    onclick: () => whileBusy(button, () => order({kind, slot}))}, label);
  return button;
}
