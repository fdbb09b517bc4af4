// Webhooks: who is told when a job has ended.
import {get, post, query, url} from '../api.js';
import {tell} from '../ask.js';
import {slots} from '../bench.js';
import {ENDED} from '../choices.js';
import {fill, h} from '../dom.js';
import {actionButton, badge, pagedTable, time} from '../parts.js';
import {t} from '../text.js';
import {tellOnce} from './setting.js';

export default {
  scope: 'engineer', reads: 'engineer', key: 'id',
  columns: () => [
    {title: 'URL', cell: (hook) => h('code', {}, hook.url)},
    {title: t('webhooks.slot'), cell: (hook) => hook.slot ?? t('webhooks.all_slots')},
    {title: t('webhooks.states'), cell: (hook) => hook.states.map((state) => [badge('state', state), ' '])},
  ],
  actions: (hook, problemPlace) => [
    actionButton(t('webhooks.test'), 'plain', problemPlace, async () => {
      await post(url`/v1/webhooks/${hook.id}/test`);
      await showDeliveries(hook);
    }),
    actionButton(t('webhooks.deliveries'), 'plain', problemPlace, () => showDeliveries(hook)),
  ],
  fields: async () => [
    {name: 'url', label: 'URL', type: 'url', required: true, maxlength: 1024,
      placeholder: 'https://line.example.com/espgate', help: t('webhooks.url_help')},
    {name: 'slot', label: t('webhooks.slot'), type: 'select',
      options: [['', t('webhooks.all_slots')], ...[...slots.keys()].map((name) => [name, name])]},
    ...ENDED.map((state) => ({name: `states.${state}`, label: t('webhooks.when', {state: t(`state.${state}`)}),
      type: 'checkbox', value: true})),
    {name: 'ca', label: t('webhooks.ca'), type: 'textarea', help: t('webhooks.ca_help')},
  ],
  finish: (body) => ({...body, states: ENDED.filter((state) => body.states[state])}),
  after: ({url: address, secret}) => tellOnce(t('webhooks.new_one'), t('webhooks.once', {url: address}), secret),
};

/** The calls of a hook; one that failed can be made once more. */
async function showDeliveries(hook) {
  const problemPlace = h('div');
  const place = h('div');
  const path = url`/v1/webhooks/${hook.id}/deliveries`;
  const retryButton = (one) => actionButton(t('webhooks.again'), 'plain', problemPlace, async () => {
    await post(path + url`/${one.id}/retry`);
    await list();
  });
  const columns = [
    {title: t('webhooks.tried'), cell: (one) => time(one.tried_at ?? one.created_at)},
    {title: t('webhooks.state'), cell: (one) => badge('delivery', one.state)},
    {title: t('webhooks.answer'), cell: (one) => [one.status ?? '', ' ', h('span', {lang: 'en'}, one.error ?? '')]},
    {title: '', cell: (one) => one.state === 'failed' && retryButton(one)},
  ];
  const read = (cursor) => get(path + query({cursor}));
  const list = async () => {
    fill(place, await pagedTable(t('webhooks.deliveries'), columns, read, t('webhooks.no_deliveries')));
  };
  await list();
  const look = actionButton(t('webhooks.look'), 'plain', problemPlace, list);
  await tell(t('webhooks.deliveries'), [problemPlace, look, place]);
}
