// Profiles: what many orders share.
import {get} from '../api.js';
import {LEVELS, METHODS, TARGETS} from '../choices.js';
import {t, tWord, yesNo} from '../text.js';
import {secretFields, settleSecret} from './setting.js';

const SCHEMES = [1, 2, 3, 4]; // besides 5, which is usual
const CERTIFICATES = ['aws', 'own', 'claim']; // besides csr, which is usual

export default {
  scope: 'engineer', reads: 'viewer', key: 'name',
  columns: () => [
    {title: t('settings.name'), cell: (profile) => profile.name},
    {title: t('profiles.wifi'), cell: ({settings}) => settings.wifi?.ssid ?? '–'},
    {title: t('profiles.broker'), cell: ({settings}) => settings.mqtt?.host ?? cloudName(settings) ?? '–'},
    {title: t('profiles.check'), cell: ({settings}) => t(`level.${settings.check ?? 'publish'}`)},
  ],
  settingsOf({settings}) {
    const cloud = typeof settings.cloud === 'string' ? {name: settings.cloud} : settings.cloud;
    return cloud === undefined ? settings : {...settings, cloud};
  },
  async fields(profile) {
    const [clouds, firmware, authorities] = await Promise.all(['clouds', 'firmware', 'authorities'].map(all));
    return [
      {group: t('profiles.wifi'), open: true, fields: wifiFields(profile)},
      {group: t('profiles.time'), fields: timeFields()},
      {group: t('profiles.broker'), open: profile.cloud === undefined, help: t('profiles.broker_help'),
        fields: mqttFields(profile)},
      {group: t('profiles.cloud'), open: profile.cloud !== undefined, help: t('profiles.cloud_help'),
        fields: cloudFields(profile.cloud ?? {}, clouds, authorities)},
      {group: t('profiles.work'), fields: workFields(profile, firmware)},
    ];
  },
  finish(body) {
    settleSecret(body.wifi, 'password');
    settleSecret(body.mqtt, 'password');
    if (body.cloud && !body.cloud.name) delete body.cloud;
    if (!body.purge_key) delete body.purge_key;
    if (body.wifi && !body.wifi.keep) delete body.wifi.keep;
    if (body.wifi && !body.wifi.ssid) delete body.wifi;
    return body;
  },
};

async function all(kind) {
  return (await get(`/v1/${kind}?limit=200`)).items;
}

function cloudName({cloud}) {
  return typeof cloud === 'string' ? cloud : cloud?.name;
}

function wifiFields({wifi}) {
  return [
    {name: 'wifi.ssid', label: t('profiles.ssid'), maxlength: 32},
    ...secretFields('wifi.password', t('profiles.password'), wifi?.password_set, {minlength: 8, maxlength: 64,
      help: t('profiles.password_help')}),
    {name: 'wifi.keep', label: t('profiles.keep'), type: 'checkbox'},
  ];
}

function timeFields() {
  return [
    {name: 'time.server', label: t('profiles.time_server'), placeholder: 'pool.ntp.org', help: t('core.time_help')},
    {name: 'time.zone', label: t('profiles.zone'), type: 'number', min: -12, max: 14, placeholder: '0'},
  ];
}

function mqttFields({mqtt}) {
  const words = t('profiles.words');
  return [
    {name: 'mqtt.host', label: t('profiles.host'), maxlength: 253,
      placeholder: 'xxxx-ats.iot.eu-central-1.amazonaws.com'},
    {name: 'mqtt.port', label: t('profiles.port'), type: 'number', min: 1, max: 65535, placeholder: '8883'},
    {name: 'mqtt.scheme', label: t('profiles.scheme'), type: 'select',
      options: [['', t('profiles.scheme_5')], ...SCHEMES.map((n) => [n, t(`profiles.scheme_${n}`)])]},
    {name: 'mqtt.client_id', label: t('profiles.client_id'), placeholder: 'espgate-{mac}', help: words},
    {name: 'mqtt.topic', label: t('profiles.topic'), placeholder: 'espgate/{mac}/check', help: words},
    {name: 'mqtt.qos', label: 'QoS', type: 'select', options: [['', '1'], [0, '0']]},
    {name: 'mqtt.username', label: t('profiles.username'), maxlength: 64},
    ...secretFields('mqtt.password', t('profiles.mqtt_password'), mqtt?.password_set, {maxlength: 64}),
    {name: 'mqtt.alpn', label: 'ALPN', maxlength: 64, placeholder: 'x-amzn-mqtt-ca', help: t('profiles.alpn_help')},
    {name: 'mqtt.sni', label: 'SNI', maxlength: 253},
    {name: 'mqtt.keepalive', label: t('profiles.keepalive'), type: 'number', min: 0, max: 7200, placeholder: '120'},
  ];
}

function cloudFields(cloud, clouds, authorities) {
  const ways = CERTIFICATES.map((way) => [way, t(`profiles.certificate_${way}`)]);
  return [
    {name: 'cloud.name', label: t('profiles.account'), type: 'select',
      options: [['', t('profiles.no_cloud')], ...withOld(cloud.name, clouds.map(({name}) => [name, name]))]},
    {name: 'cloud.thing', label: t('profiles.thing'), placeholder: 'esp32-{mac}', help: t('profiles.words')},
    {name: 'cloud.type', label: t('profiles.type')},
    {name: 'cloud.groups', label: t('profiles.groups'), type: 'list', rows: 2, help: t('profiles.line_each')},
    {name: 'cloud.certificate', label: t('profiles.certificate'), type: 'select',
      options: [['', t('profiles.certificate_csr')], ...ways]},
    {name: 'cloud.authority', label: t('profiles.authority'), type: 'select', when: ['cloud.certificate', 'own'],
      options: [['', t('profiles.brought')], ...withOld(cloud.authority, authorities.map(({id, name}) => [id, name]))]},
    {name: 'cloud.claim.template', label: t('profiles.template'), when: ['cloud.certificate', 'claim']},
    {name: 'cloud.key', label: t('profiles.key'), type: 'select', options: [['', 'RSA-2048'], ['P-256', 'P-256']]},
    {name: 'cloud.policy', label: t('profiles.policy'), type: 'textarea', rows: 3, help: t('profiles.policy_help'),
      parse: jsonOrText,
      value: typeof cloud.policy === 'object' ? JSON.stringify(cloud.policy, null, 1) : cloud.policy},
  ];
}

function workFields({target, layout, firmware: old}, firmware) {
  return [
    {name: 'check', label: t('profiles.check'), type: 'select', options: [
      ['', t('profiles.as_usual', {what: t('level.publish')})], ...LEVELS.map((name) => [name, t(`level.${name}`)])]},
    {name: 'host_check', label: t('profiles.host_check'), type: 'select',
      options: [['', t('profiles.host_check_auto')], [true, yesNo(true)], [false, yesNo(false)]]},
    {name: 'method', label: t('profiles.method'), type: 'select',
      options: [['', t('profiles.method_auto')], ...METHODS.slice(1).map((name) => [name, tWord('method', name)])]},
    {name: 'target.kind', label: t('profiles.target'), type: 'select',
      options: [['', t('profiles.as_usual', {what: 'mqtt'})], ...TARGETS.map((name) => [name, name])]},
    {name: 'target.index', label: t('profiles.index'), type: 'select',
      when: ['target.kind', 'client', 'https', 'wss'], options: [['', '0'], [1, '1']]},
    {name: 'layout', label: t('profiles.layout'), type: 'datalist', parse: jsonOrText, help: t('profiles.layout_help'),
      value: typeof layout === 'object' ? JSON.stringify(layout) : layout,
      options: ['partitions', 'mfg_nvs'].map((name) => [name, tWord('layout', name)])},
    {name: 'purge_key', label: t('profiles.purge_key'), type: 'checkbox', help: t('profiles.purge_help')},
    {name: 'firmware', label: t('profiles.firmware'), type: 'select',
      options: [['', t('profiles.none')], ...withOld(old, firmware.map(({id, name}) => [id, name]))]},
  ];
}

/** What is chosen and no longer there is shown all the same: nothing changes that nobody changed. */
function withOld(value, options) {
  return !value || options.some(([key]) => key === value) ? options : [[value, value], ...options];
}

function jsonOrText(text) {
  if (!text.trim().startsWith('{')) return text.trim();
  try {
    return JSON.parse(text);
  } catch {
    return text; // the service says what is wrong with it
  }
}
