/* line: what an ESP-AT port says, cut into events. Pure state machine: any chunking gives the same
 * events. Knows lines, the '>' prompt, and the three answers that carry counted raw bytes
 * (+SYSFLASH:<n>,…, +SYSMFG:"<space>","<key>",<7 or 8>,<n>,… and
 * +MQTTSUBRECV:<link>,"<topic>",<n>,…). Raw bytes may hold anything, CR LF and "OK" too. */
#ifndef SERVICE_AT_LINE_H
#define SERVICE_AT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"

enum line_kind {
    LINE_NONE,   /* nothing complete yet: feed more */
    LINE_TEXT,   /* one line without its CR LF, never empty */
    LINE_PROMPT, /* '>' */
    LINE_RAW,    /* text = head up to and with the last comma, raw = the counted bytes */
};

struct line_event {
    enum line_kind kind;
    const char *text; /* borrowed until the next call */
    const uint8_t *raw;
    size_t raw_len;
};

struct line_machine {
    struct buf text, raw;
    size_t raw_left; /* counted bytes still to come */
    bool in_raw, clear_next;
    bool
        prompt_expected; /* set by the client: a '>' at the start of a line is a prompt only then */
};

void line_init(struct line_machine *m);
void line_dispose(struct line_machine *m);
/** Feed bytes up to the next event. @param[out] used_out  bytes taken
 *  @return ERR_OK; ERR_PROTOCOL for a line over 4096 bytes or a count over 64 KiB (the machine
 * starts afresh); ERR_MEM */
enum err line_feed(struct line_machine *m, const uint8_t *in, size_t n, size_t *used_out,
                   struct line_event *ev_out);
#endif
