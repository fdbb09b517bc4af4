// One kind of setting: its list with what can be done to each, and the form for a new or an old one. Which of them is
// in the address: ?new=1, ?edit=NAME.
import {call, create, del, get, newKey, ownProblem, query, url} from '../api.js';
import {askingButton, tell} from '../ask.js';
import {fill, h} from '../dom.js';
import {form} from '../form.js';
import {announce, heading, mayNotSee, pagedTable} from '../parts.js';
import {link} from '../router.js';
import {can} from '../session.js';
import {t} from '../text.js';

/** @param kind  'profiles': the path and the words  @param setting  of this kind:
 *    scope, reads     who may change and who may read it
 *    key              the member that names one: 'name' (then it is PUT under its name) or 'id' (then it is POSTed)
 *    columns()        as table() takes them
 *    fields(settings) async: of the form. A field has the value of the member that it names, unless it says another
 *    pages            false: its list comes at once
 *    keeps(item)      optional: may this one not be deleted?
 *    settingsOf(item) what the form shows of it (named ones)
 *    finish(body)     optional: the form's body as the service takes it
 *    actions(item, problemPlace)  optional: more buttons of a row
 *    after(answer)    optional async: what is to be shown once of what was made */
export async function showKind(page, place, kind, setting) {
  if (!can(setting.reads)) {
    fill(place, heading(t(`settings.${kind}`)), mayNotSee(setting.reads));
  } else if (can(setting.scope) && page.query.new) {
    await showForm(page, place, kind, setting, null);
  } else if (can(setting.scope) && page.query.edit) {
    await showForm(page, place, kind, setting, page.query.edit);
  } else {
    await showList(page, place, kind, setting);
  }
}

async function showList(page, place, kind, setting) {
  const path = `/v1/${kind}`;
  const problemPlace = h('div');
  const mine = can(setting.scope);
  const buttons = {title: '', cell: (item) => h('div', {class: 'actions'}, setting.actions?.(item, problemPlace),
    mine && setting.key === 'name' && h('a', {class: 'button', href: link`/settings/${kind}` + query({edit: item.name}),
      'aria-label': `${t('settings.edit')}: ${item.name}`}, t('settings.edit')),
    mine && !setting.keeps?.(item) && deleteButton(item, kind, setting, problemPlace, async () => {
      await showList(page, place, kind, setting);
      place.querySelector('h1').focus();
    }))};
  const list = await pagedTable(t(`settings.${kind}`), [...setting.columns(), buttons],
    (cursor) => get(path + query({limit: setting.pages === false ? null : 100, cursor}), {signal: page.signal}),
    t(`settings.none_${kind}`));
  const add = h('a', {class: 'button main', href: `#/settings/${kind}?new=1`}, t(`settings.new_${kind}`));
  fill(place, heading(t(`settings.${kind}`), mine && add), h('p', {class: 'help'}, t(`settings.about_${kind}`)),
    problemPlace, list);
}

/** @param then  async: what follows when it is gone */
function deleteButton(item, kind, setting, problemPlace, then) {
  const name = item.name ?? item.url;
  const label = t(`settings.delete_${kind}`);
  return askingButton(label, {title: label, text: t(`settings.sure_${kind}`, {name})}, problemPlace, async () => {
    await del(url`/v1/${kind}/${item[setting.key]}`);
    announce(t('settings.gone', {name}));
    await then();
  });
}

async function showForm(page, place, kind, setting, name) {
  const back = `#/settings/${kind}`;
  const {etag, data: item} = name === null ? {etag: null, data: null}
    : await call('GET', url`/v1/${kind}/${name}`, {signal: page.signal});
  const before = item === null ? {} : setting.settingsOf(item);
  const named = setting.key === 'name';
  const nameOf = name === null ? nameField() : {...nameField(null), value: name, readonly: true};
  const fields = [...(named ? [nameOf] : []), ...withValues(await setting.fields(before), before)];
  const make = maker(`/v1/${kind}`);
  const onSave = async (body) => {
    const finish = setting.finish ?? ((all) => all);
    if (!named) {
      const made = await make(finish(body));
      await setting.after?.(made);
    } else {
      const {name: own, ...settings} = body;
      const headers = name === null ? {'If-None-Match': '*'} : {'If-Match': etag};
      const whole = finish(merge(before, settings, fields));
      await call('PUT', url`/v1/${kind}/${name ?? own}`, {body: whole, headers}).catch((problem) => {
        throw explained(problem, name);
      });
    }
    announce(t('settings.saved'));
    page.go(back);
  };
  const one = form({fields, save: t('settings.save'), onSave, onCancel: () => page.go(back)});
  fill(place, heading(name === null ? t(`settings.new_${kind}`) : name), one.node);
}

/** Creates there. As long as there is no answer each attempt has the same key: it is made once, whatever was lost. */
function maker(path) {
  let key = newKey();
  return (body) => create(path, body, {key}).catch((problem) => {
    if (problem.status !== 0) key = newKey();
    throw problem;
  });
}

/** The field for the name of something new, as the service takes names. */
export function nameField(help = t('settings.name_help')) {
  return {name: 'name', label: t('settings.name'), required: true, maxlength: 63,
    pattern: '[A-Za-z0-9_\\-][A-Za-z0-9_.\\-]*', help};
}

/** Two people at one setting: the second is told, and nothing of either is lost. */
function explained(problem, name) {
  if (problem.status !== 412) return problem;
  return name === null ? ownProblem('name_taken', t('settings.there_already'), t('settings.other_name'))
    : ownProblem('changed_meanwhile', t('settings.changed'), t('settings.load_again'));
}

/** Fields and groups of them, with the values that @p before has for them. */
function withValues(fields, before) {
  return fields.map((entry) => (entry.fields ? {...entry, fields: withValues(entry.fields, before)}
    : {value: memberAt(before, entry.name.split('.')), ...entry}));
}

function memberAt(object, path) {
  return path.reduce((at, part) => at?.[part], object);
}

/** What the form does not show stays as it was; what it shows and is empty now is no more. Pure. */
function merge(before, body, fields) {
  const all = structuredClone(before);
  for (const {name} of fields.flatMap((entry) => entry.fields ?? [entry])) {
    const path = name.split('.');
    const value = memberAt(body, path);
    const last = path.pop();
    if (value !== undefined) path.reduce((object, part) => (object[part] ??= {}), all)[last] = value;
    else delete memberAt(all, path)?.[last];
  }
  return pruned(all);
}

/** Without objects that hold nothing. */
function pruned(object) {
  const kept = Object.entries(object).map(([name, value]) => [name, isObject(value) ? pruned(value) : value])
    .filter(([, value]) => !isObject(value) || Object.keys(value).length > 0);
  return Object.fromEntries(kept);
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A secret and whether the one that is stored is to stay. The service never shows it: `…_set` stands for it. */
export function secretFields(name, label, isSet, more = {}) {
  const field = {name, label, type: 'password', autocomplete: 'new-password', placeholder: isSet ? '••••••••' : null,
    ...more};
  const keep = {name: `${name}_set`, label: t('settings.keep_secret', {what: label}), type: 'checkbox', value: true};
  return isSet ? [field, keep] : [field];
}

/** Show a secret that the service tells but once. Where the browser does not copy, it is there to be marked. */
export function tellOnce(title, text, secret) {
  const copy = h('button', {type: 'button', class: 'plain', onclick: async () => {
    const isCopied = await navigator.clipboard.writeText(secret).then(() => true, () => false);
    if (isCopied) copy.textContent = t('settings.copied');
    else copy.remove();
  }}, t('settings.copy'));
  return tell(title, [h('p', {}, text), h('p', {}, h('code', {class: 'once'}, secret)),
    navigator.clipboard ? copy : null]); // there is none without TLS
}

/** What was typed takes the place of what was stored; pure. @param holder  the object that has both */
export function settleSecret(holder, name) {
  if (holder === undefined) return;
  if (holder[name] !== undefined || !holder[`${name}_set`]) delete holder[`${name}_set`];
}
