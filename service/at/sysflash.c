/* Design: pieces of 2048 bytes, because the firmware takes memory for a whole piece at once, and a
 * read needs it twice. A piece that stops half-way leaves the board waiting for the rest; that is
 * what at_client_start() gets it out of. Writing the same bytes twice is harmless (programming only
 * clears bits), so a piece that met "busy p..." can be sent again. */
#include "service/at/sysflash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 2048 };

static enum err bad_line(const char *line)
{
    enum err e = err_fail(ERR_PROTOCOL, "at_bad_answer", "Try again; check the wiring if it stays.",
                          "a line of AT+SYSFLASH? is not understood");
    return err_device(e, line, strlen(line));
}

/* ",<number>", decimal or 0x. */
static bool take_number(const char **at, uint32_t max, uint32_t *out)
{
    if (**at != ',') return false;
    const char *from = *at + 1;
    if (*from < '0' || *from > '9') return false;
    char *end = NULL;
    errno = 0;
    unsigned long v = strtoul(from, &end, from[0] == '0' && from[1] == 'x' ? 16 : 10);
    if (errno || v > max) return false;
    *out = (uint32_t)v;
    *at = end;
    return true;
}

/* "name",type,subtype,0xaddress,0xsize */
static bool parse(const char *line, struct at_partition *p)
{
    memset(p, 0, sizeof *p);
    if (*line != '"') return false;
    size_t n = strcspn(line + 1, "\"");
    if (!n || n >= sizeof p->name || line[1 + n] != '"') return false;
    memcpy(p->name, line + 1, n);
    const char *at = line + 1 + n + 1;
    uint32_t type = 0, subtype = 0;
    if (!take_number(&at, UINT8_MAX, &type) || !take_number(&at, UINT8_MAX, &subtype)) return false;
    p->type = (uint8_t)type;
    p->subtype = (uint8_t)subtype;
    return take_number(&at, UINT32_MAX, &p->offset) && take_number(&at, UINT32_MAX, &p->size);
}

enum err at_sysflash_list(struct at_client *c, struct at_partition *out, size_t cap, size_t *n_out,
                          struct deadline until)
{
    *n_out = 0;
    enum err e = at_command(c, until, "AT+SYSFLASH?");
    if (e) return e;
    const char *line;
    for (size_t i = 0; (line = at_answer(c, "+SYSFLASH:", i)) != NULL; i++) {
        if (i == cap) return err_set(ERR_TOO_LARGE, "the board has more than %zu partitions", cap);
        if (!parse(line, &out[i])) return bad_line(line);
        *n_out = i + 1;
    }
    return ERR_OK;
}

/* The name between the quotes of a command. */
static enum err quoted_name(const struct at_partition *p, char *out, size_t cap)
{
    struct buf b;
    buf_init(&b, cap - 1);
    enum err e = at_quote(p->name, &b);
    if (!e) memcpy(out, buf_str(&b), b.len + 1);
    buf_dispose(&b);
    return e;
}

enum { QUOTED = 2 * sizeof(((struct at_partition *)0)->name) };

enum err at_sysflash_erase(struct at_client *c, const struct at_partition *p, struct deadline until)
{
    char name[QUOTED];
    enum err e = quoted_name(p, name, sizeof name);
    return e ? e : at_command(c, until, "AT+SYSFLASH=0,\"%s\"", name);
}

static enum err check_range(const struct at_transfer *t)
{
    const struct at_partition *p = t->partition;
    if (t->offset <= p->size && t->n <= p->size - t->offset) return ERR_OK;
    return err_fail(ERR_ARG, "out_of_partition", "Use a partition that is large enough.",
                    "%zu bytes at %" PRIu32 " do not fit into %s of %" PRIu32 " bytes", t->n,
                    t->offset, p->name, p->size);
}

static void progress(const struct at_transfer *t, size_t done)
{
    if (t->fn) t->fn(done, t->n, t->arg);
}

static size_t piece_at(const struct at_transfer *t, size_t done)
{
    return t->n - done < PIECE ? t->n - done : PIECE;
}

static void make_line(char *line, size_t cap, int op, const char *name, const struct at_transfer *t,
                      size_t done)
{
    snprintf(line, cap, "AT+SYSFLASH=%d,\"%s\",%zu,%zu", op, name, t->offset + done,
             piece_at(t, done));
}

enum err at_sysflash_write(struct at_client *c, const struct at_transfer *t, const uint8_t *data,
                           struct deadline until)
{
    char name[QUOTED], line[128];
    enum err e = check_range(t);
    if (!e) e = quoted_name(t->partition, name, sizeof name);
    for (size_t done = 0; !e && done < t->n;) {
        make_line(line, sizeof line, 1, name, t, done);
        struct at_data_command d = {
            .line = line, .data = data + done, .n = piece_at(t, done), .secret = t->secret};
        e = at_command_data(c, &d, until);
        if (e) break;
        done += d.n;
        progress(t, done);
    }
    return e;
}

/* The counted bytes of the last read. */
static enum err take_piece(struct at_client *c, const char *line, size_t n, uint8_t *out)
{
    const struct buf *raw = at_answer_raw(c);
    size_t got = raw ? raw->len : 0;
    if (!raw || got != n)
        return err_fail(ERR_PROTOCOL, "at_short_read", "Try again; check the wiring if it stays.",
                        "%s gave %zu bytes", line, got);
    memcpy(out, raw->data, n);
    return ERR_OK;
}

enum err at_sysflash_read(struct at_client *c, const struct at_transfer *t, uint8_t *out,
                          struct deadline until)
{
    char name[QUOTED], line[128];
    enum err e = check_range(t);
    if (!e) e = quoted_name(t->partition, name, sizeof name);
    for (size_t done = 0; !e && done < t->n;) {
        size_t n = piece_at(t, done);
        make_line(line, sizeof line, 2, name, t, done);
        e = t->secret ? at_read_secret(c, until, line) : at_command(c, until, "%s", line);
        if (!e) e = take_piece(c, line, n, out + done);
        if (e) break;
        done += n;
        progress(t, done);
    }
    return e;
}
