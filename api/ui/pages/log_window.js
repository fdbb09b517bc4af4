// Which rows of a transcript are in the page, and which of those that were found is looked at. Pure.
import {searchable} from '../transcript.js';

export const WINDOW = 200; // rows that are in the page at once

export class LogWindow {
  rows = []; // all of them, as rowsOf() has them
  first = 0; // the row that the window begins with
  found = []; // indices of rows that have what is searched for
  at = -1; // which of these is looked at

  get shown() {
    return this.rows.slice(this.first, this.first + WINDOW);
  }

  get isWhole() {
    return this.rows.length <= WINDOW;
  }

  get isAtEnd() {
    return this.first + WINDOW >= this.rows.length;
  }

  /** Where the other windows begin */
  get begins() {
    const last = Math.max(0, Math.floor((this.rows.length - 1) / WINDOW) * WINDOW);
    return {first: 0, before: Math.max(0, this.first - WINDOW), after: Math.min(last, this.first + WINDOW), last};
  }

  /** @param name  of one of these */
  turnTo(name) {
    this.first = this.begins[name];
  }

  /** Rows anew. Who looks at the end, or at one that was found, goes on doing so. */
  take(rows, wanted) {
    const wasAtEnd = this.first > 0 && this.isAtEnd;
    this.rows = rows;
    if (wasAtEnd || this.first >= rows.length) this.first = Math.max(0, rows.length - WINDOW);
    this.found = indicesOf(rows, wanted);
    this.at = Math.min(Math.max(this.at, 0), this.found.length - 1);
  }

  /** Look at the first row that has @p wanted. */
  search(wanted) {
    this.found = indicesOf(this.rows, wanted);
    this.at = Math.min(0, this.found.length - 1);
    if (this.at >= 0) this.bringIn(this.found[this.at]);
  }

  /** Look at the next one that was found, or the one before, round and round. @param by  1 or -1
   *  @return that row, undefined when there is none */
  step(by) {
    if (this.found.length === 0) return undefined;
    this.at = (this.at + by + this.found.length) % this.found.length;
    this.bringIn(this.found[this.at]);
    return this.rows[this.found[this.at]];
  }

  bringIn(row) {
    if (row < this.first || row >= this.first + WINDOW) this.first = Math.floor(row / WINDOW) * WINDOW;
  }
}

/** Text is found in any case, bytes by their hexadecimal digits, however these are written. */
function indicesOf(rows, wanted) {
  const text = wanted.toLowerCase();
  const digits = text.replaceAll(/\s|0x/g, '');
  return rows.flatMap((row, i) => {
    const sought = row.kind === 'hex' ? digits : text;
    return sought !== '' && searchable(row).includes(sought) ? [i] : [];
  });
}
