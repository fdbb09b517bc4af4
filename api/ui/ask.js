// Questions before something that cannot be taken back, and other dialogs. <dialog> keeps the focus inside, closes on
// Escape and gives the focus back. One that leads to another page, or is left by Back, does not stay above that.
import {h} from './dom.js';
import {actionButton} from './parts.js';
import {t} from './text.js';

/** @param content  nodes; @param actions  [{label, value, danger}], beside Cancel, which has the focus
 *  @return the value of the chosen one, null when it was closed */
export function dialog(title, content, actions) {
  return new Promise((answer) => {
    const buttons = actions.map(({label, value, danger}) => h('button', {type: 'button',
      class: danger ? 'danger' : 'main', onclick: () => box.close(value)}, label));
    const cancel = h('button', {type: 'button', class: 'plain', onclick: () => box.close('')}, t('core.cancel'));
    const box = h('dialog', {'aria-labelledby': 'dialog-title'}, h('h2', {id: 'dialog-title'}, title), content,
      h('div', {class: 'actions'}, cancel, buttons));
    const leave = () => box.close('');
    window.addEventListener('hashchange', leave);
    box.addEventListener('close', () => {
      window.removeEventListener('hashchange', leave);
      box.remove();
      answer(box.returnValue || null);
    });
    document.body.append(box);
    box.showModal();
  });
}

/** @return true when the reader agreed */
export async function confirm(title, content, action) {
  return await dialog(title, content, [{label: action, value: 'yes', danger: true}]) === 'yes';
}

/** A button that does something at the service, as actionButton() has it, once the reader has agreed.
 *  @param question  {title, text} */
export function askingButton(label, {title, text}, place, act) {
  return actionButton(label, 'danger', place, async () => {
    if (await confirm(title, h('p', {}, text), label)) await act();
  });
}

/** Show what is shown once, or needs no answer. */
export function tell(title, content) {
  return dialog(title, content, [{label: t('core.close'), value: 'closed'}]);
}
