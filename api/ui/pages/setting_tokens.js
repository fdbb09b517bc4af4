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
    {title: t('tokens.made'), cell: (token) => [time(token.created_at), token.created_by ? ` · ${token.created_by}` : '']},
  ],
  fields: async () => [
    nameField(t('tokens.name_help')),
    {name: 'scope', label: t('tokens.scope'), type: 'select', value: 'operator', help: t('tokens.scope_help'),
      options: SCOPES.map((scope) => [scope, t(`tokens.${scope}`)])},
    {name: 'expires_in', label: t('tokens.life'), type: 'select', value: 90 * DAY_S,
      options: [...LIVES.map((days) => [days * DAY_S, t('tokens.days', {n: days})]), ['', t('tokens.for_ever')]]},
    {name: 'certificate_sha256', label: t('tokens.certificate'), pattern: '[0-9a-f]{64}', help: t('tokens.certificate_help')},
  ],
  after: ({name, token}) => token && tellOnce(t('tokens.new_one', {name}), t('tokens.once'), token),
};

function stateOf(token) {
  if (token.revoked_at) return [badge('token', 'revoked'), ' ', time(token.revoked_at)];
  if (token.expires_at && new Date(token.expires_at) < new Date()) return [badge('token', 'expired'), ' ', time(token.expires_at)];
  return token.expires_at ? [badge('token', 'valid'), ' ', t('tokens.until'), ' ', time(token.expires_at)] : badge('token', 'valid');
}
