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
  const steps = stepBar(wizard, (step) => stage.tools.go(step));
  const stage = stepStage(wizard, steps, page.signal);
  fill(page.main, title, steps.node, stage.node);
  takeAddress(page.query, wizard, stage.tools);
  stage.draw();
  watchFiles(page, (files) => {
    if (wizard.step !== 'credentials' || wizard.source !== 'files') {
      wizard.source = 'files';
      stage.tools.go('credentials');
    }
    takeFiles(wizard, files, stage.tools.changed);
  });
}

/** The steps by name: where the operator is, and where he may go. @return {node, update()} */
function stepBar(wizard, go) {
  const stepButton = (step, i) => h('button', {type: 'button', onclick: () => step !== wizard.step && go(step)},
    h('span', {class: 'number', 'aria-hidden': 'true'}, String(i + 1)), t(`provision.step_${step}`));
  const buttons = new Map(STEPS.map((step, i) => [step, stepButton(step, i)]));
  const node = h('ol', {class: 'wizard-steps', 'aria-label': t('provision.steps')},
    [...buttons.values()].map((button) => h('li', {}, button)));

  function update() {
    for (const [step, button] of buttons) {
      button.disabled = !mayEnter(wizard, step);
      if (step === wizard.step) button.setAttribute('aria-current', 'step');
      else button.removeAttribute('aria-current');
    }
  }

  return {node, update};
}

/** Where the one step is shown that the operator is at. @param steps  of stepBar()
 *  @return {node, draw(), tools}; a step's view gets the tools as well, with a signal that aborts when it is left */
function stepStage(wizard, steps, signal) {
  const node = h('section', {class: 'wizard'});
  let leaving = new AbortController();

  const tools = {
    changed: () => redraw(),
    go(step) {
      wizard.step = step;
      draw();
      node.querySelector('h2').focus();
      node.scrollIntoView({block: 'nearest'});
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
    const update = VIEWS[wizard.step](node, wizard, {...tools, signal: leaving.signal});
    redraw = () => {
      steps.update();
      update();
    };
    redraw();
  }

  signal.addEventListener('abort', () => {
    leaving.abort();
    redraw = () => {};
  });
  return {node, draw, tools};
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
