/* Design: the firmware says only ERROR, whatever is wrong, so names and lengths are judged before
 * anything is sent, and after an ERROR the list of the namespace tells what is there. A whole
 * partition can be lost with an empty key in an erase: it never leaves here. */
#include "service/at/sysmfg.h"

#include <stdlib.h>
#include <string.h>

#include "service/at/codes.h"
#include "service/base/limits.h"

enum { ERASE, READ, WRITE, TYPES = 6 /* that are not blobs: integers and a string */ };

static enum err check_name(const char *name)
{
    size_t n = strlen(name);
    if (n > 0 && n < SYSMFG_NAME) return ERR_OK;
    return err_fail(ERR_ARG, "mfg_bad_name", "Use a name of 1 to 15 bytes.",
                    "\"%.40s\" is no name of a key or namespace of mfg_nvs", name);
}

static enum err check_key(const struct at_mfg_key *k)
{
    enum err e = check_name(k->space);
    return e ? e : check_name(k->key);
}

/* AT+SYSMFG=<op>,"<space>"[,"<key>"] */
static enum err make_line(struct buf *line, int op, const char *space, const char *key)
{
    buf_init(line, LIMIT_AT_LINE);
    buf_printf(line, "AT+SYSMFG=%d,\"", op);
    enum err e = at_quote(space, line);
    if (!e && key) {
        buf_puts(line, "\",\"");
        e = at_quote(key, line);
    }
    if (!e) e = buf_puts(line, "\"");
    return e;
}

static enum err no_sysmfg(void)
{
    return err_fail(
        ERR_UNSUPPORTED, "no_sysmfg",
        "AT+SYSMFG is there since ESP-AT v3.1 and needs a partition mfg_nvs: flash such "
        "a firmware, or write through the ROM loader.",
        "the firmware on the board does not take AT+SYSMFG");
}

/* One line, and ERROR in words where the firmware gives them. */
static enum err say(struct at_client *c, int op, const struct at_mfg_key *k, bool with_key,
                    struct deadline until)
{
    struct buf line;
    enum err e = make_line(&line, op, k->space, with_key ? k->key : NULL);
    if (!e)
        e = k->secret && op == READ ? at_read_secret(c, until, buf_str(&line))
                                    : at_command(c, until, "%s", buf_str(&line));
    buf_dispose(&line);
    return at_said_code(c, AT_CODE_UNKNOWN_COMMAND) ? no_sysmfg() : e;
}

enum err at_sysmfg_spaces(struct at_client *c, char (*out)[SYSMFG_NAME], size_t cap, size_t *n_out,
                          struct deadline until)
{
    *n_out = 0;
    enum err e = at_command(c, until, "AT+SYSMFG?");
    if (e) return at_was_refused(c) ? no_sysmfg() : e;
    const char *line;
    for (size_t i = 0; (line = at_answer(c, "+SYSMFG:\"", i)) != NULL; i++) {
        size_t n = strcspn(line, "\"");
        if (i == cap) return err_set(ERR_TOO_LARGE, "the board has more than %zu namespaces", cap);
        if (n >= SYSMFG_NAME || strcmp(line + n, "\"") != 0)
            return err_device(err_fail(ERR_PROTOCOL, "at_bad_answer",
                                       "Try again; check the wiring if it stays.",
                                       "a line of AT+SYSMFG? is not understood"),
                              line, strlen(line));
        memcpy(out[i], line, n);
        out[i][n] = '\0';
        *n_out = i + 1;
    }
    return ERR_OK;
}

/* What stands behind "<space>","<key>", in the answer's line number i. */
static const char *answer_of(struct at_client *c, const struct at_mfg_key *k, size_t i)
{
    struct buf head;
    buf_init(&head, LIMIT_AT_LINE);
    enum err e = buf_printf(&head, "+SYSMFG:\"%s\",\"%s\",", k->space, k->key);
    const char *found = e ? NULL : at_answer(c, buf_str(&head), i);
    buf_dispose(&head);
    return found;
}

enum err at_sysmfg_type(struct at_client *c, const struct at_mfg_key *k, int *type_out,
                        struct deadline until)
{
    *type_out = 0;
    enum err e = check_key(k);
    if (!e) e = say(c, READ, k, false, until);
    if (e) return at_was_refused(c) && e == ERR_DEVICE ? ERR_OK : e; /* no such namespace */
    const char *type;
    for (size_t i = 0; (type = answer_of(c, k, i)) != NULL; i++)
        if (!*type_out || *type_out == SYSMFG_BLOB) *type_out = (int)strtol(type, NULL, 10);
    return ERR_OK;
}

enum err at_sysmfg_erase(struct at_client *c, const struct at_mfg_key *k, struct deadline until)
{
    enum err e = check_key(k);
    if (!e) e = say(c, ERASE, k, true, until);
    if (e != ERR_DEVICE || !at_was_refused(c)) return e;
    struct err_info refused = *err_last();
    int type = 0;
    e = at_sysmfg_type(c, k, &type, until);
    return e || !type ? e : err_restore(&refused);
}

/* An erase takes one of several of the same name, and nobody says which. */
static enum err erase_other_types(struct at_client *c, const struct at_mfg_key *k,
                                  struct deadline until)
{
    int type = 0;
    enum err e = at_sysmfg_type(c, k, &type, until);
    for (int i = 0; !e && type && type != SYSMFG_BLOB && i <= TYPES; i++) {
        e = at_sysmfg_erase(c, k, until);
        if (!e) e = at_sysmfg_type(c, k, &type, until);
    }
    return e;
}

enum err at_sysmfg_write(struct at_client *c, const struct at_mfg_key *k, const uint8_t *data,
                         size_t n, struct deadline until)
{
    struct buf line;
    enum err e = check_key(k);
    if (!e && !n) e = err_set(ERR_ARG, "an empty value cannot be written to mfg_nvs");
    if (!e) e = erase_other_types(c, k, until);
    if (e) return e;
    e = make_line(&line, WRITE, k->space, k->key);
    if (!e) e = buf_printf(&line, ",%d,%zu", SYSMFG_BLOB, n);
    struct at_data_command d = {.line = buf_str(&line), .data = data, .n = n, .secret = k->secret};
    if (!e) e = at_command_data(c, &d, until);
    buf_dispose(&line);
    if (e == ERR_DEVICE && at_was_refused(c))
        err_hint(e, "The partition mfg_nvs may be full: take out what is not needed there, or use "
                    "a P-256 key and only the root CA of the broker.");
    return e;
}

/* ERROR to a read: the key is not there, or there twice. */
static enum err why_unread(struct at_client *c, const struct at_mfg_key *k, struct deadline until)
{
    struct err_info refused = *err_last();
    int type = 0;
    enum err e = at_sysmfg_type(c, k, &type, until);
    if (e) return e;
    if (type == SYSMFG_BLOB) return err_restore(&refused);
    return err_fail(ERR_NOT_FOUND, "mfg_key_missing", "Write the credential to the board.",
                    type ? "mfg_nvs has %s in %s, but not as a blob" : "mfg_nvs has no %s in %s",
                    k->key, k->space);
}

enum err at_sysmfg_read(struct at_client *c, const struct at_mfg_key *k, struct buf *out,
                        struct deadline until)
{
    enum err e = check_key(k);
    if (!e) e = say(c, READ, k, true, until);
    if (e == ERR_DEVICE && at_was_refused(c)) return why_unread(c, k, until);
    if (e) return e;
    const char *head = answer_of(c, k, 0);
    const struct buf *raw = at_answer_raw(c);
    char *end = NULL;
    if (head && strtol(head, &end, 10) != SYSMFG_BLOB) return why_unread(c, k, until);
    long length = head && *end ? strtol(end + 1, NULL, 10) : -1;
    if (!raw || length < 0 || (size_t)length != raw->len)
        return err_fail(ERR_PROTOCOL, "at_short_read", "Try again; check the wiring if it stays.",
                        "AT+SYSMFG gave %zu bytes of %s, and announced %ld", raw ? raw->len : 0,
                        k->key, length);
    return buf_append(out, raw->data, raw->len);
}
