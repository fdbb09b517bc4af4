// Elements without HTML text: whatever comes from a device, a file or a person is a text node, never markup.

/** h('button', {type: 'button', class: 'plain', onclick: f}, 'Go'). An attribute that is true stands alone, one that is
 *  false, null or undefined is left out, and so is such a child; a function is a listener (onclick). */
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else if (name === 'value') node.value = value; // of a select or textarea, too
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...nodes(children));
  if (tag === 'select' && attributes?.value !== undefined) node.value = attributes.value; // its options are there now
  return node;
}

/** Put children into node instead of those that it has. */
export function fill(node, ...children) {
  node.replaceChildren(...nodes(children));
  return node;
}

/** Put children into node only when @p data, which they show, is another: who reads or works in it is not disturbed.
 *  @param build  () → children */
export function refill(node, data, build) {
  const text = JSON.stringify(data ?? null);
  if (node.shows === text) return;
  node.shows = text;
  fill(node, build());
}

/** Change a text only when it differs: a tile that shows the same is not drawn again. */
export function setText(node, text) {
  setProperty(node, 'textContent', text);
}

/** The same of any property: className, hidden … */
export function setProperty(node, name, value) {
  if (node[name] !== value) node[name] = value;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}
