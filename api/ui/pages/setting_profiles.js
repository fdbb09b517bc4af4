// Profiles: what many orders share.
import {get} from '../api.js';
import {LEVELS, METHODS, TARGETS} from '../choices.js';
import {t, tWord, yesNo} from '../text.js';
import {secretFields, settleSecret} from './setting.js';

const SCHEMES = [1, 2, 3, 4];
const CERTIFICATES = ['csr', 'aws', 'own', 'claim'];

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
      {group: t('profiles.wifi'), open: true, fields: wifiFields(profile.wifi ?? {})},
      {group: t('profiles.time'), fields: timeFields(profile.time ?? {})},
      {group: t('profiles.broker'), open: profile.cloud === undefined, help: t('profiles.broker_help'),
        fields: mqttFields(profile.mqtt ?? {})},
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

function wifiFields(wifi) {
  return [
    {name: 'wifi.ssid', label: t('profiles.ssid'), value: wifi.ssid, maxlength: 32},
    ...secretFields('wifi.password', t('profiles.password'), wifi.password_set, {minlength: 8, maxlength: 64,
      help: t('profiles.password_help')}),
    {name: 'wifi.keep', label: t('profiles.keep'), type: 'checkbox', value: wifi.keep},
  ];
}

function timeFields(time) {
  return [
    {name: 'time.server', label: t('profiles.time_server'), value: time.server, placeholder: 'pool.ntp.org', help: t('core.time_help')},
    {name: 'time.zone', label: t('profiles.zone'), type: 'number', value: time.zone, min: -12, max: 14, placeholder: '0'},
  ];
}

function mqttFields(mqtt) {
  return [
    {name: 'mqtt.host', label: t('profiles.host'), value: mqtt.host, maxlength: 253,
      placeholder: 'xxxx-ats.iot.eu-central-1.amazonaws.com'},
    {name: 'mqtt.port', label: t('profiles.port'), type: 'number', value: mqtt.port, min: 1, max: 65535, placeholder: '8883'},
    {name: 'mqtt.scheme', label: t('profiles.scheme'), type: 'select', value: mqtt.scheme,
      options: [['', t('profiles.scheme_5')], ...SCHEMES.map((n) => [n, t(`profiles.scheme_${n}`)])]},
    {name: 'mqtt.client_id', label: t('profiles.client_id'), value: mqtt.client_id, placeholder: 'espgate-{mac}', help: t('profiles.words')},
    {name: 'mqtt.topic', label: t('profiles.topic'), value: mqtt.topic, placeholder: 'espgate/{mac}/check', help: t('profiles.words')},
    {name: 'mqtt.qos', label: 'QoS', type: 'select', value: mqtt.qos, options: [['', '1'], [0, '0']]},
    {name: 'mqtt.username', label: t('profiles.username'), value: mqtt.username, maxlength: 64},
    ...secretFields('mqtt.password', t('profiles.mqtt_password'), mqtt.password_set, {maxlength: 64}),
    {name: 'mqtt.alpn', label: 'ALPN', value: mqtt.alpn, maxlength: 64, placeholder: 'x-amzn-mqtt-ca', help: t('profiles.alpn_help')},
    {name: 'mqtt.sni', label: 'SNI', value: mqtt.sni, maxlength: 253},
    {name: 'mqtt.keepalive', label: t('profiles.keepalive'), type: 'number', value: mqtt.keepalive, min: 0, max: 7200, placeholder: '120'},
  ];
}

function cloudFields(cloud, clouds, authorities) {
  return [
    {name: 'cloud.name', label: t('profiles.account'), type: 'select', value: cloud.name,
      options: [['', t('profiles.no_cloud')], ...withOld(cloud.name, clouds.map(({name}) => [name, name]))]},
    {name: 'cloud.thing', label: t('profiles.thing'), value: cloud.thing, placeholder: 'esp32-{mac}', help: t('profiles.words')},
    {name: 'cloud.type', label: t('profiles.type'), value: cloud.type},
    {name: 'cloud.groups', label: t('profiles.groups'), type: 'list', value: cloud.groups, rows: 2, help: t('profiles.line_each')},
    {name: 'cloud.certificate', label: t('profiles.certificate'), type: 'select', value: cloud.certificate,
      options: [['', t('profiles.certificate_csr')], ...CERTIFICATES.slice(1).map((way) => [way, t(`profiles.certificate_${way}`)])]},
    {name: 'cloud.authority', label: t('profiles.authority'), type: 'select', value: cloud.authority, when: ['cloud.certificate', 'own'],
      options: [['', t('profiles.brought')], ...withOld(cloud.authority, authorities.map(({id, name}) => [id, name]))]},
    {name: 'cloud.claim.template', label: t('profiles.template'), value: cloud.claim?.template, when: ['cloud.certificate', 'claim']},
    {name: 'cloud.key', label: t('profiles.key'), type: 'select', value: cloud.key, options: [['', 'RSA-2048'], ['P-256', 'P-256']]},
    {name: 'cloud.policy', label: t('profiles.policy'), type: 'textarea', rows: 3, help: t('profiles.policy_help'), parse: jsonOrText,
      value: typeof cloud.policy === 'object' ? JSON.stringify(cloud.policy, null, 1) : cloud.policy},
  ];
}

function workFields(profile, firmware) {
  return [
    {name: 'check', label: t('profiles.check'), type: 'select', value: profile.check,
      options: [['', t('profiles.as_usual', {what: t('level.publish')})], ...LEVELS.map((name) => [name, t(`level.${name}`)])]},
    {name: 'host_check', label: t('profiles.host_check'), type: 'select', value: profile.host_check,
      options: [['', t('profiles.host_check_auto')], [true, yesNo(true)], [false, yesNo(false)]]},
    {name: 'method', label: t('profiles.method'), type: 'select', value: profile.method,
      options: [['', t('profiles.method_auto')], ...METHODS.slice(1).map((name) => [name, tWord('method', name)])]},
    {name: 'target.kind', label: t('profiles.target'), type: 'select', value: profile.target?.kind,
      options: [['', t('profiles.as_usual', {what: 'mqtt'})], ...TARGETS.map((name) => [name, name])]},
    {name: 'target.index', label: t('profiles.index'), type: 'select', value: profile.target?.index,
      when: ['target.kind', 'client', 'https', 'wss'], options: [['', '0'], [1, '1']]},
    {name: 'layout', label: t('profiles.layout'), type: 'datalist', parse: jsonOrText, help: t('profiles.layout_help'),
      value: typeof profile.layout === 'object' ? JSON.stringify(profile.layout) : profile.layout,
      options: ['partitions', 'mfg_nvs'].map((name) => [name, tWord('layout', name)])},
    {name: 'purge_key', label: t('profiles.purge_key'), type: 'checkbox', value: profile.purge_key, help: t('profiles.purge_help')},
    {name: 'firmware', label: t('profiles.firmware'), type: 'select', value: profile.firmware,
      options: [['', t('profiles.none')], ...withOld(profile.firmware, firmware.map(({id, name}) => [id, name]))]},
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
