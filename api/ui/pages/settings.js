import {fill} from '../dom.js';
import {heading} from '../parts.js';
import {t} from '../text.js';

export async function show(page) {
  page.title(t('nav.settings'));
  fill(page.main, heading(t('nav.settings')));
}
