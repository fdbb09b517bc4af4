// Words in the reader's language, and numbers, sizes and times as that language writes them.

const LANGUAGES = {en: 'English', zh: '中文'};
const words = {en: {}, zh: {}};
let codes = null; // code → Chinese, loaded when it is needed first
let language = 'en';
let wanted = 'en';
let tag = 'en-GB';
let formats = {}; // each is made when it is needed first: that takes a browser milliseconds

export const languages = LANGUAGES;

/** Each page brings its own words: {en: {key: text}, zh: {key: text}}. */
export function addWords(more) {
  for (const name of Object.keys(LANGUAGES)) Object.assign(words[name], more[name]);
}

/** The language that was chosen here before, else the browser's, else English. */
export async function startLanguage() {
  const kept = localStorage.getItem('espgate.language');
  const wanted = [kept, ...navigator.languages.map((tag) => tag.slice(0, 2))];
  await setLanguage(wanted.find((name) => name in LANGUAGES) ?? 'en');
}

/** The newest choice wins. Where the texts of codes cannot be had, the service's own English stands in for them. */
export async function setLanguage(name) {
  wanted = name;
  if (name === 'zh') codes ??= await import('./words/codes.zh.js').then((module) => module.default, () => null);
  if (wanted !== name) return;
  language = name;
  tag = name === 'zh' ? 'zh-CN' : 'en-GB';
  formats = {};
  document.documentElement.lang = name === 'zh' ? 'zh-Hans' : 'en';
}

const CLOCK = {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'};
const MAKE = {
  plural: () => new Intl.PluralRules(tag), number: () => new Intl.NumberFormat(tag, {maximumFractionDigits: 1}),
  clock: () => new Intl.DateTimeFormat(tag, CLOCK),
  dayClock: () => new Intl.DateTimeFormat(tag, {dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23'}),
};

function format(name) {
  return formats[name] ??= MAKE[name]();
}

export function currentLanguage() {
  return language;
}

/** The text of a key; {name} in it is replaced by values.name. "one job|{n} jobs" has a form for one. */
export function t(key, values = {}) {
  let text = words[language][key];
  if (text === undefined) return `[${key}]`; // seen by the reader and by the tests, and nothing else breaks
  if (text.includes('|')) text = text.split('|')[format('plural').select(values.n) === 'one' ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

export function yesNo(value) {
  return t(value ? 'core.yes' : 'core.no');
}

/** The text of a word of the service (a state, a step, a kind): as it is where there is none. */
export function tWord(group, word) {
  return words[language][`${group}.${word}`] ?? word;
}

/** What a code of the service means and what to do, where the language has its own words for it; else null: the
 *  service's own English sentence stands. */
export function codeText(code) {
  return language === 'zh' ? codes?.[code] ?? null : null;
}

export function formatNumber(n) {
  return format('number').format(n);
}

export function formatBytes(n) {
  if (n < 1024) return `${n} B`;
  if (n < 1024 * 1024) return `${format('number').format(n / 1024)} KiB`;
  return `${format('number').format(n / (1024 * 1024))} MiB`;
}

/** A clock time, with its day unless that is today. */
export function formatTime(iso) {
  const at = new Date(iso);
  return format(at.toDateString() === new Date().toDateString() ? 'clock' : 'dayClock').format(at);
}

export function formatDuration(ms) {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60000) return `${format('number').format(ms / 1000)} s`;
  return `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
}
