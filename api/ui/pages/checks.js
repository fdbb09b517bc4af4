// The named checks of a credential, as the wizard and the list of credentials show them.
import {h} from '../dom.js';
import {addWords, codeText, currentLanguage, t, tWord} from '../text.js';
import words from '../words/checks.js';

addWords(words);

const ORDER = ['fail', 'warn', 'pass'];

/** Each check with its verdict, what was found and what to do about it; what stands in the way first. */
export function checkList(checks) {
  const sorted = ORDER.flatMap((verdict) => checks.filter((check) => check.verdict === verdict));
  return h('ul', {class: 'checks'}, sorted.map((check) => {
    const own = check.code === null ? null : codeText(check.code);
    const needsNoLook = check.verdict === 'pass' && currentLanguage() !== 'en';
    return h('li', {class: check.verdict}, h('span', {class: `badge ${check.verdict}`}, t(`checks.${check.verdict}`)),
      h('div', {}, h('b', {}, tWord('check', check.name)), own === null ? null : h('p', {}, own),
        h('p', {class: own !== null || needsNoLook ? 'quiet' : null, lang: 'en'}, check.detail)));
  }));
}

/** The worst verdict among them. */
export function worst(checks) {
  return ORDER.find((verdict) => checks.some((check) => check.verdict === verdict)) ?? 'pass';
}
