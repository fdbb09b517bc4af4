// No files at all: each board's thing is registered at a cloud, and its certificate is made for it there.
import {get} from '../api.js';
import {fill, h} from '../dom.js';
import {problemBox} from '../parts.js';
import {can} from '../session.js';
import {t} from '../text.js';

/** @return a function that shows what has changed in the state */
export function showCloudChoice(place, wizard, tools) {
  const body = h('div', {class: 'card'});
  fill(place, body);
  get('/v1/clouds?limit=1000', {signal: tools.signal}).then(({items}) => draw(items), (problem) => {
    if (tools.signal.aborted) return;
    if (problem.code === undefined) throw problem;
    fill(body, problemBox(problem));
  });

  function draw(clouds) {
    const option = ({name, settings}) => h('option', {value: name},
      `${name} · ${settings.provider} · ${settings.region}`);
    const choose = h('select', {id: 'cloud', value: wizard.cloud, onchange: () => { wizard.cloud = choose.value; }},
      h('option', {value: ''}, t('provision.cloud_profile')), clouds.map(option));
    const make = can('engineer') ? h('a', {href: '#/settings/clouds'}, t('provision.cloud_new')) : null;
    fill(body, h('p', {}, t('provision.cloud_help')),
      h('div', {class: 'field'}, h('label', {for: 'cloud'}, t('provision.cloud')), choose),
      clouds.length === 0 ? h('p', {class: 'help'}, t('provision.cloud_none'), ' ', make) : null);
  }

  return () => {};
}
