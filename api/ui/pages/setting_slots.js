// Slots: which ports are one place on the bench.
import {get} from '../api.js';
import {h} from '../dom.js';
import {badge} from '../parts.js';
import {link} from '../router.js';
import {t} from '../text.js';

const RESETS = ['auto', 'tight', 'classic', 'usb-jtag', 'none'];
const BAUDS = ['115200', '230400', '460800', '921600', '1500000', '2000000'].map((baud) => [baud, baud]);
const SETTINGS = ['download_port', 'at_port', 'reset', 'download_baud', 'flash_baud', 'at_baud'];

export default {
  scope: 'engineer', reads: 'viewer', key: 'name', pages: false,
  keeps: (slot) => slot.implicit,
  columns: () => [
    {title: t('settings.name'), cell: (slot) => h('a', {href: link`/slots/${slot.name}`}, slot.name)},
    {title: t('slots.download_port'), cell: (slot) => h('code', {}, slot.download_port ?? '–')},
    {title: t('slots.at_port'), cell: (slot) => h('code', {}, slot.at_port ?? '–')},
    {title: t('slots.reset'), cell: (slot) => tReset(slot.reset)},
    {title: t('slots.state'), cell: ({state, implicit}) => [badge('slot', state),
      implicit ? [' ', h('span', {class: 'quiet'}, t('slots.implicit'))] : null]},
  ],
  settingsOf(slot) {
    const said = SETTINGS.filter((name) => slot[name] !== null);
    return Object.fromEntries(said.map((name) => [name, slot[name]]));
  },
  async fields(slot) {
    const ports = (await get('/v1/ports')).items.map(portOption);
    return [
      {name: 'download_port', label: t('slots.download_port'), type: 'datalist', options: ports,
        help: t('slots.download_help')},
      {name: 'at_port', label: t('slots.at_port'), type: 'datalist', options: ports, help: t('slots.at_help')},
      {name: 'reset', label: t('slots.reset'), type: 'datalist', options: RESETS.map((name) => [name, tReset(name)]),
        value: slot.reset ?? 'auto', help: t('slots.reset_help', {steps: 'D0|R1|W0.1|D1|R0'})},
      {group: t('slots.speeds'), fields: ['download_baud', 'flash_baud', 'at_baud'].map(baudField)},
    ];
  },
};

/** A port by its path, with what tells it from the others. */
function portOption({path, device, usb, bridge, slot}) {
  const marks = [device, usb?.product ?? bridge, usb?.serial, slot && t('slots.of', {slot})];
  return [path, marks.filter(Boolean).join(' · ')];
}

function baudField(name) {
  return {name, label: t(`slots.${name}`), type: 'datalist', options: BAUDS, inputmode: 'numeric', pattern: '\\d+',
    parse: Number, help: t(`slots.${name}_help`)};
}

function tReset(reset) {
  return RESETS.includes(reset) ? t(`slots.reset_${reset}`) : reset;
}
