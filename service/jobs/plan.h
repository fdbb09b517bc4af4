/* plan: what a flash job does to the flash: its content cut into pieces, what is known of each, and
 * the order in which they are written. Reads files, talks to no board. */
#ifndef SERVICE_JOBS_PLAN_H
#define SERVICE_JOBS_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/base/limits.h"
#include "service/firmware/content.h"
#include "service/jobs/source.h"

enum piece_state {
    PIECE_WANTED, /* to be written */
    PIECE_THERE,  /* the board had it before */
    PIECE_DONE    /* written */
};

struct plan_piece {
    struct piece piece;
    uint8_t md5[MD5_BYTES];
    enum piece_state state;
    bool head;  /* one of the plan's heads */
    bool blank; /* nothing but 0xFF */
};

struct plan {
    struct content *content; /* NULL = not gathered yet */
    /* The firmwares, by item of the order (NULL: that item is no firmware); a piece's file is an
     * index of these. */
    struct source *sources[LIMIT_FLASH_IMAGES];
    uint32_t begins[LIMIT_FLASH_IMAGES]; /* where the items of "images" lie in flash */
    struct plan_piece *pieces;           /* ascending by offset */
    size_t count;
    /* Sectors without which nothing of what is written starts: erased before anything else is
     * touched, written after all else, in this order. */
    uint32_t heads[LIMIT_FLASH_IMAGES];
    size_t head_count;
    bool begun; /* something was erased */
    bool is_esp_at;
    bool takes_credential; /* the place of a credential is among what is written */
};

/** Without content. @return ERR_OK, ERR_MEM */
enum err plan_new(struct plan **out);
void plan_free(struct plan *p); /* NULL allowed */
/** Open the firmwares that @p c names. @return source_open()'s errors */
enum err plan_open(struct plan *p, const struct command *c, struct store *store,
                   const char *data_dir);
/** The sector at @p offset becomes a head, if anything is written there; before plan_cut(), each
 * sector once, at most LIMIT_FLASH_IMAGES. */
void plan_add_head(struct plan *p, uint32_t offset);
/** Cut the content, once all of it is there. @return ERR_OK, ERR_IO, ERR_MEM */
enum err plan_cut(struct plan *p);
/** With anything to write, heads are written too, whether they are there or not: they are taken
 * away before. Once it is known what is there. */
void plan_want_heads(struct plan *p);
/** The pieces to be written, ascending, heads last, in the order in which they were added.
 *  @param order_out  indexes into pieces; room for count @return how many */
size_t plan_order(const struct plan *p, size_t *order_out);
/** Of what holds data, is most there already? Then the pieces that are not may differ in a few
 * sectors only. */
bool plan_is_mostly_there(const struct plan *p);
/** Sum of the sizes of all pieces in this state. */
uint64_t plan_bytes(const struct plan *p, enum piece_state state);
size_t plan_count(const struct plan *p, enum piece_state state);
/** What is not as it shall be: [{"offset","size"}…], neighbours joined. The caller owns it. */
json_t *plan_wanted_ranges(const struct plan *p);
/** The same in words: "0x1000 to 0x9000, 0x10000 to 0x20000". @return @p out */
const char *plan_wanted_text(const struct plan *p, char *out, size_t cap);
#endif
