// What the bench is set up with: a list of each kind, and a form for one of it.
import {fill, h} from '../dom.js';
import {noSuchPage} from '../router.js';
import {addWords, t} from '../text.js';
import words from '../words/settings.js';
import {showKind} from './setting.js';

addWords(words);

const KINDS = {
  slots: () => import('./setting_slots.js'), profiles: () => import('./setting_profiles.js'),
  clouds: () => import('./setting_clouds.js'), authorities: () => import('./setting_authorities.js'),
  tokens: () => import('./setting_tokens.js'), webhooks: () => import('./setting_webhooks.js'),
};

export async function show(page) {
  const {kind} = page.params;
  if (!Object.hasOwn(KINDS, kind)) throw noSuchPage();
  page.title(t(`settings.${kind}`));
  const place = h('div');
  fill(page.main, h('nav', {class: 'tabs', 'aria-label': t('nav.settings')}, Object.keys(KINDS).map((name) => h('a', {
    href: `#/settings/${name}`, 'aria-current': name === kind ? 'page' : null}, t(`settings.${name}`)))), place);
  await showKind(page, place, kind, (await KINDS[kind]()).default);
}
