// What one may choose from, by the service's own names.

/** How far a check goes, each further than those before it. */
export const LEVELS = ['none', 'wifi', 'time', 'connect', 'publish'];
/** Ways onto a board. */
export const METHODS = ['auto', 'rom', 'at'];
/** What a board uses a credential for. */
export const TARGETS = ['mqtt', 'client', 'server', 'wpa2', 'https', 'wss'];
/** How a job ends. */
export const ENDED = ['succeeded', 'failed', 'cancelled', 'interrupted'];
