// What stands around every page: where one can go, who sits here, whether the service is there, language and theme.
import {connection, watchBench} from './bench.js';
import {fill, h, refill, setText} from './dom.js';
import {time} from './parts.js';
import {can, isOlderThanService, me} from './session.js';
import {codeText, currentLanguage, formatTime, languages, t} from './text.js';

const PLACES = [
  ['#/', 'nav.bench', 'viewer'], ['#/provision', 'nav.provision', 'operator'], ['#/jobs', 'nav.jobs', 'viewer'],
  ['#/devices', 'nav.devices', 'viewer'], ['#/credentials', 'nav.credentials', 'viewer'],
  ['#/firmware', 'nav.firmware', 'viewer'], ['#/settings/slots', 'nav.settings', 'viewer'],
  ['#/audit', 'nav.audit', 'admin'],
];
const THEMES = ['auto', 'light', 'dark'];

/** Build it into the body. @param actions  {language(name), signOut()}
 *  @return {main, stop(), showConnection(), place(hash)}: place marks where the reader is */
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
      const rootOf = (address) => address.split('?')[0].split('/').slice(0, 2).join('/');
      const root = rootOf(hash || '#/').replace(/^#\/slots$/, '#/'); // a slot is of the bench
      for (const a of links) {
        if (rootOf(a.hash) === root) {
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
  return [h('span', {class: 'quiet', title: me.expires_at ? t('core.expires', {at: formatTime(me.expires_at)}) : null},
    me.name, ' · ', t(`scope.${me.scope}`)),
  me.method === 'token' ? h('button', {type: 'button', class: 'plain', onclick: signOut}, t('core.sign_out')) : null];
}

function languageChoice(choose) {
  return h('select', {'aria-label': t('core.language'), value: currentLanguage(),
    onchange: (event) => choose(event.target.value)}, Object.entries(languages).map(([name, own]) =>
    h('option', {value: name, lang: name}, own)));
}

function themeChoice() {
  const names = THEMES.map((name) => h('option', {value: name}, t(`theme.${name}`)));
  return h('select', {'aria-label': t('core.theme'), value: document.documentElement.dataset.theme,
    onchange: (event) => setTheme(event.target.value)}, names);
}

export function startTheme() {
  setTheme(localStorage.getItem('espgate.theme') ?? 'auto');
}

function setTheme(name) {
  document.documentElement.dataset.theme = THEMES.includes(name) ? name : 'auto';
  localStorage.setItem('espgate.theme', name);
}

/** Nothing is said as long as all is well; what is said is said once, since screen readers tell it at each change. */
function showConnection(place) {
  const news = newsOf();
  refill(place, news?.text, () => news && h('p', {class: `notice ${news.look}`},
    h('span', {lang: news.lang}, news.text), ' ', news.more));
}

function newsOf() {
  if (!me) return null;
  if (isOlderThanService()) {
    const reload = h('button', {type: 'button', class: 'plain', onclick: () => location.reload()}, t('core.reload'));
    return {text: t('core.older'), look: 'old', more: reload};
  }
  if (connection.state !== 'lost') return null;
  const {code, detail} = connection.problem;
  const own = code === 'unreachable' ? t('core.gone') : codeText(code);
  return {text: own ?? detail, lang: own === null ? 'en' : null, look: 'bad',
    more: [t('core.since'), ' ', time(connection.since)]};
}

export function setTitle(text) {
  document.title = text ? `${text} · espgate` : 'espgate';
  const said = document.getElementById('said');
  if (said) setText(said, text ?? '');
}
