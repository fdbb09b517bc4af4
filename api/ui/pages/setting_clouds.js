// Clouds: accounts where devices are registered.
import {get, post, url} from '../api.js';
import {tell} from '../ask.js';
import {actionButton, facts} from '../parts.js';
import {can} from '../session.js';
import {t} from '../text.js';
import {checkList} from './checks.js';
import {secretFields, settleSecret} from './setting.js';

const REGIONS = ['us-east-1', 'us-east-2', 'us-west-2', 'ca-central-1', 'eu-central-1', 'eu-west-1', 'eu-west-2',
  'eu-north-1', 'ap-northeast-1', 'ap-northeast-2', 'ap-southeast-1', 'ap-southeast-2', 'ap-south-1', 'sa-east-1',
  'cn-north-1', 'cn-northwest-1'];
const KEYS = ['request', 'environment', 'file', 'credential_provider', 'none'];

export default {
  scope: 'admin', reads: 'viewer', key: 'name',
  columns: () => [
    {title: t('settings.name'), cell: (cloud) => cloud.name},
    {title: t('clouds.region'), cell: ({settings}) => settings.region},
    {title: t('clouds.keys'), cell: ({settings}) => t(`clouds.keys_${settings.keys.from}`)},
    {title: t('clouds.endpoint'), cell: ({settings}) => settings.data?.endpoint ?? t('clouds.asked')},
  ],
  settingsOf: ({settings}) => settings,
  actions: ({name}, problems) => can('engineer') && actionButton(t('clouds.test'), 'plain', problems, () => test(name)),
  async fields({keys = {}}) {
    const credentials = (await get('/v1/credentials?limit=200')).items;
    return [
      {name: 'region', label: t('clouds.region'), type: 'datalist', required: true,
        options: REGIONS.map((name) => [name, name]), placeholder: 'eu-central-1'},
      {name: 'keys.from', label: t('clouds.keys'), type: 'select', value: keys.from ?? 'request',
        options: KEYS.map((from) => [from, t(`clouds.keys_${from}`)])},
      ...keyFields(keys, credentials),
      {group: t('clouds.devices'), help: t('clouds.devices_help'), fields: [
        {name: 'data.endpoint', label: t('clouds.endpoint')},
        {name: 'data.mqtt_port', label: t('clouds.mqtt_port'), type: 'number', placeholder: '8883'},
        {name: 'data.https_port', label: t('clouds.https_port'), type: 'number', placeholder: '8443'},
        {name: 'data.root_ca', label: t('clouds.root_ca'), type: 'textarea'},
      ]},
      {group: t('clouds.control'), help: t('clouds.control_help'), fields: [
        {name: 'control.endpoint', label: t('clouds.control_endpoint')},
        {name: 'control.root_ca', label: t('clouds.root_ca'), type: 'textarea'},
        {name: 'rate', label: t('clouds.rate'), type: 'number', min: 1, max: 100, placeholder: '80'},
      ]},
    ];
  },
  finish(body) {
    settleSecret(body.keys, 'secret_access_key');
    settleSecret(body.keys, 'session_token');
    return {provider: 'aws', ...body};
  },
};

/** Each source of keys has fields of its own. */
function keyFields(keys, credentials) {
  const of = (from, fields) => fields.map((field) => ({...field, when: ['keys.from', from]}));
  return [
    ...of('request', [
      {name: 'keys.access_key_id', label: t('clouds.access_key_id'), required: true, placeholder: 'AKIA…'},
      ...secretFields('keys.secret_access_key', t('clouds.secret_access_key'), keys.secret_access_key_set),
      ...secretFields('keys.session_token', t('clouds.session_token'), keys.session_token_set),
    ]),
    ...of('file', [{name: 'keys.profile', label: t('clouds.profile'), placeholder: 'default'}]),
    ...of('credential_provider', [
      {name: 'keys.endpoint', label: t('clouds.provider_endpoint'), required: true},
      {name: 'keys.role_alias', label: t('clouds.role_alias'), required: true},
      {name: 'keys.thing', label: t('clouds.thing'), required: true},
      {name: 'keys.credential', label: t('clouds.credential'), type: 'select', required: true,
        options: [['', ''], ...credentials.map(({id, common_name: name}) => [id, name ?? id])]},
    ]),
  ];
}

/** Does the account work? Each question that was asked of it, and its answer. */
async function test(name) {
  const result = await post(url`/v1/clouds/${name}/test`);
  await tell(t(result.ok ? 'clouds.works' : 'clouds.works_not', {name}), testResult(result));
}

function testResult({account, arn, endpoint, checks}) {
  return [facts([[t('clouds.account'), account], ['ARN', arn], [t('clouds.endpoint'), endpoint]]),
    checkList(checks.map(({detail, said, hint, ...check}) => ({...check,
      detail: [detail, said, hint].filter(Boolean).join(' ')})))];
}
