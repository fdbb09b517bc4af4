// Authorities: local ones that sign certificates, for a lab with a broker of its own.
import {h} from '../dom.js';
import {saveFile, time} from '../parts.js';
import {t} from '../text.js';
import {nameField} from './setting.js';

const PARTS = ['CN', 'O', 'OU', 'L', 'ST', 'C'];

export default {
  scope: 'engineer', reads: 'viewer', key: 'id',
  columns: () => [
    {title: t('settings.name'), cell: (authority) => authority.name},
    {title: t('authorities.subject'), cell: (authority) => authority.subject},
    {title: t('authorities.key'), cell: (authority) => authority.key_type},
    {title: t('authorities.not_after'), cell: (authority) => time(authority.not_after)},
  ],
  actions: ({name, certificate}) => h('button', {type: 'button', class: 'plain',
    'aria-label': `${t('authorities.save')}: ${name}`,
    onclick: () => saveFile(`${name}.crt`, new Blob([certificate]))}, t('authorities.save')),
  fields: async () => [
    nameField(),
    {name: 'key', label: t('authorities.key'), type: 'select', options: [['', 'RSA-2048'], ['P-256', 'P-256']]},
    {name: 'days', label: t('authorities.days'), type: 'number', min: 1, max: 36500, placeholder: '3650'},
    {group: t('authorities.subject'), help: t('authorities.subject_help'), fields: PARTS.map(subjectField)},
  ],
  finish: (body) => (body.subject && !body.subject.CN ? {...body, subject: {...body.subject, CN: '{name}'}} : body),
};

function subjectField(part) {
  return {name: `subject.${part}`, label: t(`authorities.${part}`), maxlength: part === 'C' ? 2 : 64,
    placeholder: part === 'CN' ? '{name}' : null};
}
