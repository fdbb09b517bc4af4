// What the jobs are told: a profile, or network and broker typed here; and, folded away, what is seldom needed.
import {LEVELS, METHODS, TARGETS} from '../choices.js';
import {fill, h} from '../dom.js';
import {form} from '../form.js';
import {facts} from '../parts.js';
import {can} from '../session.js';
import {t, tWord, yesNo} from '../text.js';

/** @param profiles  as GET /v1/profiles has them  @param start  what the button does  @return the node */
export function settingsForm(wizard, profiles, start) {
  const place = h('div');
  const only = profiles.length === 1 ? profiles[0].name : '';
  wizard.settings.profile ??= only;
  if (!profiles.some((one) => one.name === wizard.settings.profile)) wizard.settings.profile = '';

  function draw() {
    const profile = profiles.find((one) => one.name === wizard.settings.profile) ?? null;
    const chosen = () => {
      wizard.settings.profile = choose.value;
      draw();
      document.getElementById('profile').focus();
    };
    const choose = h('select', {id: 'profile', value: wizard.settings.profile, onchange: chosen},
      h('option', {value: ''}, t('provision.no_profile')), profiles.map(({name}) => h('option', {value: name}, name)));
    const fields = fieldsOf(wizard.settings, profile);
    const typed = form({fields, save: t('provision.start'), onSave: async () => start()});
    // Kept while it is typed: nothing is lost with the page that shows it.
    typed.node.addEventListener('input', () => {
      const asked = new Set(fields.flatMap((entry) => entry.fields ?? entry).map(({name}) => name.split('.')[0]));
      const others = Object.entries(wizard.settings).filter(([name]) => !asked.has(name));
      wizard.settings = {...Object.fromEntries(others), ...typed.body()};
    });
    const make = can('engineer') ? h('a', {href: '#/settings/profiles'}, t('provision.profile_new')) : null;
    fill(place, h('div', {class: 'card'},
      h('div', {class: 'field'}, h('label', {for: 'profile'}, t('provision.profile')), choose,
        h('p', {class: 'help'}, t('provision.profile_help'), ' ', make)),
      profile ? whatItSays(profile.settings) : null, typed.node));
  }
  draw();
  return place;
}

function whatItSays(settings) {
  const cloud = typeof settings.cloud === 'string' ? settings.cloud : settings.cloud?.name;
  return facts([
    [t('provision.wifi'), settings.wifi?.ssid ?? t('provision.not_in_profile')],
    [t('provision.broker'), settings.mqtt?.host ?? (cloud ? t('provision.from_cloud') : t('provision.not_in_profile'))],
    [t('provision.check'), t(`level.${settings.check ?? 'publish'}`)], [t('provision.cloud'), cloud],
    [t('provision.method'), settings.method && tWord('method', settings.method)],
    [t('provision.target'), settings.target && t(`provision.target_${settings.target.kind}`)],
    [t('provision.purge'), settings.purge_key === undefined ? null : yesNo(settings.purge_key)],
  ]);
}

/** @param values  what was typed before  @param profile  null: network and broker are asked for */
function fieldsOf(values, profile) {
  const typed = (name) => name.split('.').reduce((at, part) => at?.[part], values);
  const field = (name, more) => ({name, label: t(`provision.field.${name}`), value: typed(name), ...more});
  const unsaid = ['', t(profile ? 'provision.as_profile' : 'provision.as_usual')];
  const check = field('check', {type: 'select', options: [unsaid, ...LEVELS.map((name) => [name, t(`level.${name}`)])],
    help: t('provision.check_help')});
  const options = [
    field('method', {type: 'select', options: [unsaid, ...METHODS.map((name) => [name, tWord('method', name)])]}),
    field('purge_key', {type: 'select', options: [unsaid, ...[true, false].map((value) => [value, yesNo(value)])],
      help: t('provision.purge_help')}),
    field('target.kind', {type: 'select', help: t('provision.target_help'),
      options: [unsaid, ...TARGETS.map((name) => [name, t(`provision.target_${name}`)])]}),
    field('target.index', {type: 'number', min: 0, max: 1}),
  ];
  if (profile) return [{group: t('provision.options'), fields: [check, ...options]}];
  return [
    field('wifi.ssid', {maxlength: 32}),
    field('wifi.password', {type: 'password', maxlength: 64, autocomplete: 'off', help: t('provision.wifi_help')}),
    field('mqtt.host', {maxlength: 253, placeholder: 'example-ats.iot.eu-central-1.amazonaws.com'}),
    check,
    {group: t('provision.options'), fields: [
      field('mqtt.port', {type: 'number', min: 1, max: 65535, placeholder: '8883'}),
      field('mqtt.client_id', {maxlength: 256, placeholder: 'espgate-{mac}'}),
      field('mqtt.topic', {maxlength: 128, placeholder: 'espgate/{mac}/check'}),
      field('time.server', {maxlength: 127, placeholder: 'pool.ntp.org', help: t('core.time_help')}), ...options]},
  ];
}
