// What the service shows once.
import {h} from '../dom.js';
import {t} from '../text.js';

/** A button that copies the text; where the browser forbids that (a page without TLS), the text is there to be marked. */
export function copyButton(text) {
  const button = h('button', {type: 'button', class: 'plain', onclick: async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = t('settings.copied');
  }}, t('settings.copy'));
  return navigator.clipboard ? button : null;
}
