// Tokens: who may call. The text of a new one is shown once.
import {badge, time} from '../parts.js';
import {SCOPES} from '../session.js';
import {t} from '../text.js';
import {nameField, tellOnce} from './setting.js';

const DAY_S = 86400;
const LIVES = [1, 7, 30, 90, 365];

export default {
  scope: 'admin', reads: 'admin', key: 'id',
  keeps: (token) => token.revoked_at !== null,
  columns: () => [
    {title: t('settings.name'), cell: (token) => token.name},
    {title: t('tokens.scope'), cell: (token) => t(`scope.${token.scope}`)},
    {title: t('tokens.state'), cell: stateOf},
    {title: t('tokens.used'), cell: (token) => time(token.used_at)},
    {title: t('tokens.made'), cell: ({created_at: at, created_by: by}) => [time(at), by ? ` · ${by}` : '']},
  ],
  fields: async () => [
    nameField(t('tokens.name_help')),
    {name: 'scope', label: t('tokens.scope'), type: 'select', value: 'operator', help: t('tokens.scope_help'),
      options: SCOPES.map((scope) => [scope, t(`tokens.${scope}`)])},
    {name: 'expires_in', label: t('tokens.life'), type: 'select', value: 90 * DAY_S,
      options: [...LIVES.map((days) => [days * DAY_S, t('tokens.days', {n: days})]), ['', t('tokens.for_ever')]]},
    {name: 'certificate_sha256', label: t('tokens.certificate'), pattern: '[0-9a-f]{64}',
      help: t('tokens.certificate_help')},
  ],
  after: ({name, token}) => token && tellOnce(t('tokens.new_one', {name}), t('tokens.once'), token),
};

function stateOf({revoked_at: revoked, expires_at: expires}) {
  if (revoked) return [badge('token', 'revoked'), ' ', time(revoked)];
  if (!expires) return badge('token', 'valid');
  if (new Date(expires) < new Date()) return [badge('token', 'expired'), ' ', time(expires)];
  return [badge('token', 'valid'), ' ', t('tokens.until'), ' ', time(expires)];
}
