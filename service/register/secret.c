/* secret: Design: jansson wipes what it releases (json_in_wipe_freed()), so that JSON may hold a
 * key here. */
#include "service/register/secret.h"

#include <jansson.h>
#include <string.h>

void device_secret_init(struct device_secret *s)
{
    buf_init_secret(&s->key, LIMIT_PEM_BYTES);
    buf_init_secret(&s->certificate, LIMIT_PEM_BYTES);
    buf_init_secret(&s->token, LIMIT_PEM_BYTES);
}

void device_secret_dispose(struct device_secret *s)
{
    buf_dispose(&s->key);
    buf_dispose(&s->certificate);
    buf_dispose(&s->token);
}

static int append(const char *text, size_t n, void *arg)
{
    return buf_append(arg, text, n) == ERR_OK ? 0 : -1;
}

enum err device_secret_to_text(const struct device_secret *s, struct buf *out)
{
    json_t *o = json_pack("{s:s, s:s, s:s}", "key", buf_str(&s->key), "certificate",
                          buf_str(&s->certificate), "token", buf_str(&s->token));
    bool ok = o && json_dump_callback(o, append, out, JSON_COMPACT) == 0;
    json_decref(o);
    return ok ? ERR_OK : err_set(ERR_MEM, "out of memory");
}

static enum err take(const json_t *o, const char *name, struct buf *out)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text && *text ? buf_puts(out, text) : ERR_OK;
}

enum err device_secret_from_text(const struct buf *text, struct device_secret *out)
{
    if (!text->len) return ERR_OK;
    json_t *o = json_loadb((const char *)text->data, text->len, 0, NULL);
    enum err e = o ? ERR_OK
                   : err_fail(ERR_IO, "store_corrupt", "Restore the data directory from a backup.",
                              "the secret of a registration is not readable");
    if (!e) e = take(o, "key", &out->key);
    if (!e) e = take(o, "certificate", &out->certificate);
    if (!e) e = take(o, "token", &out->token);
    json_decref(o);
    return e;
}
