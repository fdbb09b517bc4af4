// The stored credentials, and one of them: what it is, what was said of it, how long it holds, where its key is.
import {del, get, query, url} from '../api.js';
import {askingButton} from '../ask.js';
import {fill, h} from '../dom.js';
import {facts, heading, pagedTable, time} from '../parts.js';
import {can} from '../session.js';
import {addWords, t, tWord} from '../text.js';
import words from '../words/credentials.js';
import {checkList, worst} from './checks.js';

addWords(words);

const SOON_DAYS = 30;
const PAGE = 50;

export async function show(page) {
  if (page.query.id) await showOne(page, page.query.id);
  else await showAll(page);
}

async function showAll(page) {
  page.title(t('nav.credentials'));
  const list = await pagedTable(t('nav.credentials'), [
    {title: t('credentials.name'), cell: (one) => h('a', {href: `#/credentials?id=${one.id}`}, nameOf(one))},
    {title: t('credentials.until'), cell: (one) => [time(one.not_after), ' ', validity(one)]},
    {title: t('credentials.checks'), cell: (one) => verdictBadge(one.checks)},
    {title: t('credentials.key'), cell: (one) => [one.key_type, ' ', keyBadge(one)]},
    {title: t('credentials.stored'), cell: (one) => time(one.created_at)},
  ], (cursor) => get('/v1/credentials' + query({limit: PAGE, cursor}), {signal: page.signal}), t('credentials.none'));
  fill(page.main, heading(t('nav.credentials'), can('operator') ? h('a', {class: 'button main', href: '#/provision'},
    t('credentials.add')) : null), list);
}

async function showOne(page, id) {
  const one = await get(url`/v1/credentials/${id}`, {signal: page.signal});
  page.title(nameOf(one));
  const problems = h('div');
  const question = {title: t('credentials.delete_title', {name: nameOf(one)}),
    text: t(one.key_purged_at === null ? 'credentials.delete_text' : 'credentials.delete_purged')};
  const remove = askingButton(t('core.delete'), question, problems, async () => {
    await del(url`/v1/credentials/${id}`);
    page.go('#/credentials');
  });
  const use = one.key_purged_at === null ? h('a', {class: 'button main', href: `#/provision?credential=${one.id}`},
    t('credentials.use')) : null;
  fill(page.main, heading(nameOf(one), can('operator') ? [remove, use] : null), problems,
    h('section', {class: 'card'}, facts([
      [t('credentials.until'), [time(one.not_after), ' ', validity(one)]],
      [t('credentials.from'), time(one.not_before)],
      [t('credentials.key'), [one.key_type, ' ', keyBadge(one)]], [t('credentials.purged'), one.key_purged_at &&
        time(one.key_purged_at)], [t('credentials.stored'), time(one.created_at)],
      [t('credentials.subject'), one.subject], [t('credentials.issuer'), one.issuer],
      [t('credentials.root'), one.root.subject],
      [t('credentials.chain'), String(one.chain_length)], [t('credentials.serial'), h('code', {}, one.serial)],
      [t('credentials.fingerprint'), h('code', {}, one.fingerprint_sha256)],
      [t('credentials.id'), h('code', {}, one.id)],
    ])),
    h('section', {class: 'card'}, h('h2', {}, t('credentials.checks_when_stored')), checkList(one.checks)),
    one.changes.length ? h('section', {class: 'card'}, h('h2', {}, t('credentials.changes')), h('ul', {},
      one.changes.map((change) => h('li', {lang: 'en'}, change.detail)))) : null,
    h('p', {}, h('a', {href: `#/jobs?credential=${one.id}`}, t('credentials.jobs')), ' · ',
      h('a', {href: '#/credentials'}, t('credentials.all'))));
}

function nameOf(one) {
  return one.common_name ?? one.subject;
}

/** Nothing where all is well: what needs no look takes none. */
function validity(one) {
  const days = (new Date(one.not_after) - Date.now()) / 86400000;
  if (days < 0) return h('span', {class: 'badge fail'}, t('credentials.expired'));
  if (new Date(one.not_before) > new Date()) return h('span', {class: 'badge warn'}, t('credentials.early'));
  return days < SOON_DAYS ? h('span', {class: 'badge warn'}, t('credentials.soon', {n: Math.floor(days)})) : null;
}

function verdictBadge(checks) {
  const word = worst(checks);
  const named = checks.filter((check) => check.verdict !== 'pass').map((check) => tWord('check', check.name));
  return h('span', {class: `badge ${word}`}, [t(`checks.${word}`), named.join(', ')].filter(Boolean).join(': '));
}

function keyBadge(one) {
  return one.key_purged_at === null ? h('span', {class: 'badge'}, t('credentials.key_here'))
    : h('span', {class: 'badge warn'}, t('credentials.key_purged'));
}
