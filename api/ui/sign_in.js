// The door: a token, typed or pasted. It is asked for only where the service asks for one.
import {form} from './form.js';
import {fill, h} from './dom.js';
import {heading, problemBox} from './parts.js';
import {signIn} from './session.js';
import {t} from './text.js';

/** @param problem  why nobody sits here, or null  @param entered  called when somebody does */
export function showSignIn(main, problem, entered) {
  const asksOnly = problem === null || problem.code === 'token_required';
  const door = form({
    fields: [{name: 'token', label: t('signin.token'), type: 'password', required: true, help: t('signin.help'),
      placeholder: 'egt_…', autocomplete: 'current-password'}],
    save: t('signin.go'),
    onSave: async ({token}) => {
      await signIn(token.trim());
      await entered();
    },
  });
  const why = asksOnly ? null : problemBox(problem);
  fill(main, h('section', {class: 'door'}, heading(t('signin.title')), why, door.node));
  door.input('token').focus();
}
