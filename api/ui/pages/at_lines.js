// AT lines as the console keeps them: without what may be secret, and within this tab's session only.

const KEPT_AS = 'espgate.console';
const KEPT = 100;
export const MASK = '•••';

/** How many of a command's quoted texts, from its first on, are no secret; of others none is shown. */
const SHOWN = {
  CWJAP: 1, CWSAP: 1, CWJEAP: 2, CWLAP: 9, CWHOSTNAME: 9, CIPSTA: 9, CIPAP: 9, CIPDOMAIN: 9, CIPSTART: 9,
  CIPSNTPCFG: 9, PING: 9, MDNS: 9, MQTTUSERCFG: 2, MQTTCLIENTID: 1, MQTTUSERNAME: 1, MQTTCONN: 1, MQTTSUB: 1,
  MQTTUNSUB: 1, MQTTPUB: 1, SYSFLASH: 1, SYSMFG: 2,
};

/** The usual ones, which only ask. */
export const SUGGESTIONS = ['AT', 'AT+GMR', 'AT+CWSTATE?', 'AT+CWJAP?', 'AT+CIPSTA?', 'AT+CIFSR', 'AT+CWLAP',
  'AT+CIPSNTPTIME?', 'AT+CIPSNTPCFG?', 'AT+SYSTIMESTAMP?', 'AT+MQTTCONN?', 'AT+SYSFLASH?', 'AT+SYSMFG?', 'AT+SYSRAM?',
  'AT+UART_CUR?', 'AT+CMD?', 'AT+RST'];

/** AT+CWJAP="bench","secret" → AT+CWJAP="bench","•••". An empty text hides nothing, one without its end is one.
 *  Pure. */
export function maskLine(line) {
  const command = /^AT\+([A-Z0-9_]+)/i.exec(line)?.[1].toUpperCase();
  let left = SHOWN[command] ?? 0;
  return line.replace(/"(?:\\.|[^"\\])*(?:"|\\?$)/g, (text) => (left-- > 0 || text === '""' ? text : `"${MASK}"`));
}

/** What was typed or pasted as the lines of one order. Pure. */
export function splitLines(text) {
  return text.split(/[\r\n]+/).map((line) => line.trim()).filter(Boolean);
}

/** What was sent before, masked. back() and forth() go through it, from @p text, which is what stands in the entry;
 *  null: there is no further one. */
export function openHistory() {
  let lines = read();
  let at = lines.length;
  let draft = '';
  return {
    add(text) {
      lines = [...lines.filter((line) => line !== text), text].slice(-KEPT);
      sessionStorage.setItem(KEPT_AS, JSON.stringify(lines));
      at = lines.length;
      draft = '';
    },
    back(text) {
      if (at === 0) return null;
      if (at === lines.length) draft = text;
      return lines[--at];
    },
    forth() {
      if (at === lines.length) return null;
      return lines[++at] ?? draft;
    },
  };
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT_AS)) ?? [];
  } catch {
    return []; // somebody else's
  }
}
