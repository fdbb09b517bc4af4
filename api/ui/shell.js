// What stands around every page: where one can go, who sits here, whether the service is there, language and theme.
import {connection, watchBench} from './bench.js';
import {fill, h, setText} from './dom.js';
import {time} from './parts.js';
import {can, isOlderThanService, me} from './session.js';
import {currentLanguage, languages, t} from './text.js';

const PLACES = [
  ['#/', 'nav.bench', 'viewer'], ['#/provision', 'nav.provision', 'operator'], ['#/jobs', 'nav.jobs', 'viewer'],
  ['#/devices', 'nav.devices', 'viewer'], ['#/credentials', 'nav.credentials', 'viewer'],
  ['#/firmware', 'nav.firmware', 'viewer'], ['#/settings/slots', 'nav.settings', 'viewer'], ['#/audit', 'nav.audit', 'admin'],
];
const THEMES = ['auto', 'light', 'dark'];

/** Build it into the body. @param actions  {language(name), signOut()}
 *  @return {main, stop(), showConnection(), place(hash)} */
export function buildShell(actions) {
  const main = h('main', {id: 'main'});
  const links = PLACES.filter(([, , scope]) => can(scope)).map(([href, key]) => h('a', {href}, t(key)));
  const state = h('div', {id: 'connection', role: 'status'});
  fill(document.body,
    h('a', {class: 'skip', href: '#main', onclick: (event) => {
      event.preventDefault();
      main.querySelector('h1')?.focus();
    }}, t('nav.skip')),
    h('header', {class: 'top'},
      h('a', {class: 'brand', href: '#/'}, 'espgate'),
      me ? h('nav', {'aria-label': t('nav.label')}, links) : null,
      h('div', {class: 'who'}, languageChoice(actions.language), themeChoice(), me ? whoBox(actions.signOut) : null)),
    state, main, h('div', {id: 'said', class: 'unseen', role: 'status'}));
  showConnection(state);
  const stop = watchBench(({all}) => all && showConnection(state));
  return {
    main,
    stop,
    showConnection: () => showConnection(state),
    place(hash) {
      const path = (hash || '#/').split('?')[0];
      for (const a of links) {
        const root = a.hash.split('/').slice(0, 2).join('/');
        const here = root === '#/' ? path === '#/' || path.startsWith('#/slots') : path.split('/').slice(0, 2).join('/') === root;
        if (here) {
          a.setAttribute('aria-current', 'page');
          a.scrollIntoView({block: 'nearest', inline: 'nearest'}); // on a phone the links are one row, wider than it
        } else {
          a.removeAttribute('aria-current');
        }
      }
    },
  };
}

function whoBox(signOut) {
  return [h('span', {class: 'quiet', title: me.expires_at ? t('core.expires', {at: me.expires_at}) : null},
    me.name, ' · ', t(`scope.${me.scope}`)),
  me.method === 'token' ? h('button', {type: 'button', class: 'plain', onclick: signOut}, t('core.sign_out')) : null];
}

function languageChoice(choose) {
  return h('select', {'aria-label': t('core.language'), value: currentLanguage(), onchange: (event) => choose(event.target.value)},
    Object.entries(languages).map(([name, own]) => h('option', {value: name, lang: name}, own)));
}

function themeChoice() {
  return h('select', {'aria-label': t('core.theme'), value: document.documentElement.dataset.theme,
    onchange: (event) => setTheme(event.target.value)}, THEMES.map((name) => h('option', {value: name}, t(`theme.${name}`))));
}

export function startTheme() {
  setTheme(localStorage.getItem('espgate.theme') ?? 'auto');
}

function setTheme(name) {
  document.documentElement.dataset.theme = THEMES.includes(name) ? name : 'auto';
  localStorage.setItem('espgate.theme', name);
}

/** Nothing is said as long as all is well. */
function showConnection(place) {
  if (me && isOlderThanService()) {
    fill(place, h('p', {class: 'notice'}, t('core.older'), ' ', h('button', {type: 'button', class: 'plain',
      onclick: () => location.reload()}, t('core.reload'))));
  } else if (me && connection.state === 'lost') {
    const text = connection.problem.code === 'unreachable' ? t('core.gone') : connection.problem.detail;
    if (place.dataset.text === text) return; // screen readers are told once
    place.dataset.text = text;
    fill(place, h('p', {class: 'notice bad'}, text, ' ', t('core.since'), ' ', time(connection.since)));
    return;
  } else if (place.firstChild) {
    fill(place);
  }
  delete place.dataset.text;
}

export function setTitle(text) {
  document.title = text ? `${text} · espgate` : 'espgate';
  const said = document.getElementById('said');
  if (said) setText(said, text ?? '');
}
