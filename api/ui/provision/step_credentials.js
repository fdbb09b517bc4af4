// Step 1: what goes on the boards.
import {fill, h, setText} from '../dom.js';
import {problemBox} from '../parts.js';
import {t} from '../text.js';
import {waiting} from './flow.js';
import {inspect} from './inspect.js';
import {showCloudChoice} from './source_cloud.js';
import {showFileSource} from './source_files.js';
import {showStoredSource} from './source_stored.js';

const SOURCES = {files: showFileSource, stored: showStoredSource, cloud: showCloudChoice};

/** @return a function that shows what has changed in the state */
export function showCredentials(place, wizard, tools) {
  const body = h('div');
  const problems = h('div');
  const sum = h('p', {class: 'sum', role: 'status'});
  const next = h('button', {type: 'button', class: 'main', id: 'to-slots', onclick: () => tools.go('slots')},
    t('provision.to_slots'));
  let update = () => {};
  let shown = null;
  let told = null;

  const tell = (problem) => {
    told = problem;
    fill(problems, problem && problemBox(problem), problem && wizard.source === 'files'
      ? h('button', {type: 'button', onclick: () => inspect(wizard, tools.changed)}, t('provision.again')) : null);
  };
  const showSource = () => {
    shown = wizard.source;
    update = SOURCES[shown](body, wizard, tools);
  };
  const choose = (source) => {
    Object.assign(wizard, {source, byHand: {}, problem: null});
    tools.changed();
  };
  const radio = (name) => h('label', {}, h('input', {type: 'radio', name: 'source', value: name,
    checked: wizard.source === name, onchange: () => choose(name)}), h('span', {}, t(`provision.source_${name}`)));
  const choice = h('fieldset', {class: 'sources'}, h('legend', {}, t('provision.source')),
    Object.keys(SOURCES).map(radio));
  fill(place, h('h2', {tabindex: '-1'}, t('provision.credentials_title')), choice, body, problems,
    h('div', {class: 'actions wizard-go'}, sum, next));

  return () => {
    if (shown !== wizard.source) showSource();
    update();
    if (told !== wizard.problem) tell(wizard.problem);
    const ready = waiting(wizard).length;
    next.disabled = wizard.asking === true || (wizard.source !== 'cloud' && ready === 0);
    if (wizard.source === 'cloud') setText(sum, '');
    else setText(sum, wizard.asking ? t('provision.asking') : t('provision.ready', {n: ready}));
  };
}
