// The wizard: files become credentials, credentials go to slots, slots get jobs. What was typed and chosen stays as
// long as the same person sits here, whatever happens to the service or the page in between.
import {fill, h} from '../dom.js';
import {heading} from '../parts.js';
import {can, kept} from '../session.js';
import {addWords, t} from '../text.js';
import words from '../words/provision.js';
import {begin, mayEnter, STEPS} from '../provision/flow.js';
import {addStored, takeFiles, watchFiles} from '../provision/sources.js';
import {showCredentials} from '../provision/step_credentials.js';
import {showRun} from '../provision/step_run.js';
import {showSlots} from '../provision/step_slots.js';

addWords(words);

const VIEWS = {credentials: showCredentials, slots: showSlots, run: showRun};
let redraw = () => {}; // the view that is shown now; an answer may come when another one than the asking one is

export async function show(page) {
  page.title(t('provision.title'));
  const title = heading(t('provision.title'));
  if (!can('operator')) {
    fill(page.main, title, h('p', {class: 'empty'}, t('provision.scope')));
    return;
  }
  if (!kept.has('provision')) kept.set('provision', begin());
  const wizard = kept.get('provision');
  const stepButton = (step, i) => h('button', {type: 'button', onclick: () => step !== wizard.step && tools.go(step)},
    h('span', {class: 'number', 'aria-hidden': 'true'}, String(i + 1)), t(`provision.step_${step}`));
  const buttons = new Map(STEPS.map((step, i) => [step, stepButton(step, i)]));
  const steps = h('ol', {class: 'wizard-steps', 'aria-label': t('provision.steps')},
    [...buttons.values()].map((button) => h('li', {}, button)));
  const place = h('section', {class: 'wizard'});
  let leaving = new AbortController();

  const tools = {
    changed: () => redraw(),
    go(step) {
      wizard.step = step;
      draw();
      place.querySelector('h2').focus();
      place.scrollIntoView({block: 'nearest'});
    },
    /** Another state from now on (the next batch). */
    replace(next) {
      Object.assign(wizard, next);
      tools.go(wizard.step);
    },
  };

  function draw() {
    leaving.abort();
    leaving = new AbortController();
    if (!mayEnter(wizard, wizard.step)) wizard.step = 'credentials';
    const update = VIEWS[wizard.step](place, wizard, {...tools, signal: leaving.signal});
    redraw = () => {
      markSteps();
      update();
    };
    redraw();
  }

  function markSteps() {
    for (const [step, button] of buttons) {
      button.disabled = !mayEnter(wizard, step);
      if (step === wizard.step) button.setAttribute('aria-current', 'step');
      else button.removeAttribute('aria-current');
    }
  }

  page.signal.addEventListener('abort', () => {
    leaving.abort();
    redraw = () => {};
  });
  fill(page.main, title, steps, place);
  takeAddress(page.query, wizard, tools);
  draw();
  watchFiles(page, (files) => {
    if (wizard.step !== 'credentials' || wizard.source !== 'files') {
      wizard.source = 'files';
      tools.go('credentials');
    }
    takeFiles(wizard, files, tools.changed);
  });
}

/** #/provision?slot=left and ?credential=cred_…: what another page sent the reader here with, once. */
function takeAddress(query, wizard, tools) {
  if (query.slot) {
    const before = wizard.picked ? wizard.chosen : [];
    Object.assign(wizard, {chosen: [...new Set([...before, query.slot])], picked: true});
  }
  if (query.credential) addStored(wizard, query.credential, tools);
  if (query.slot || query.credential) history.replaceState(null, '', '#/provision');
}
