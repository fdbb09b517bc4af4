/* rom_call: what the ROM's commands share: one frame out, one frame back. rom.c has the exchange
 * and the commands that touch no flash, rom_flash.c those that do. */
#ifndef SERVICE_FLASH_ROM_CALL_H
#define SERVICE_FLASH_ROM_CALL_H

#include "service/flash/rom.h"

enum { ROM_COMMAND_MS = 3000 /* the least that a command is waited for */ };

struct rom_call {
    const char *name; /* for messages */
    const uint8_t *head, *data;
    size_t head_n, n;
    uint8_t *payload;      /* of the answer, before its status */
    size_t payload_n;      /* what the answer must carry */
    size_t short_n;        /* 0, or what it may carry instead, and … */
    size_t *payload_n_out; /* … what it did carry */
    uint32_t *value_out;   /* NULL: not wanted */
    struct deadline until;
    uint8_t op;
    uint8_t checksum;
};

enum err rom_send(struct rom *r, const struct rom_call *c);
enum err rom_await(struct rom *r, const struct rom_call *c);
/** Both. */
enum err rom_transact(struct rom *r, const struct rom_call *c);
/** A call with nothing but @p n words in it, at most 6. */
enum err rom_words(struct rom *r, const struct rom_call *call, const uint32_t *words, size_t n);
/** @p ms from now, but no later than r->until. */
struct deadline rom_within(const struct rom *r, int64_t ms);
#endif
