/* Boards of a kind come with the same content. A board that comes again holds what its last backup
 * held, and over it the credential that the record tells of. */
#include "service/jobs/guess.h"

#include <stdlib.h>
#include <string.h>

#include "service/jobs/kept_images.h"
#include "service/jobs/steps.h"

enum { LOOKED_AT = 100 /* backups, for one of the right place */ };

bool backup_is_of(const struct backup_record *b, const struct partition *p)
{
    return b->offset == p->offset && b->size == p->size && strcmp(b->partition, p->name) == 0;
}

enum err guess_backup(const struct session *s, const char *mac, const struct partition *p,
                      char id_out[ID_TEXT])
{
    struct store_page page = {.limit = LOOKED_AT};
    struct backup_record *list;
    size_t n, i = 0;
    enum err e = store_backup_list(s->ctx->store, mac, &page, &list, &n);
    while (!e && i < n && !backup_is_of(&list[i], p))
        i++;
    if (!e && i == n) e = err_set(ERR_NOT_FOUND, "there is no backup of %s", p->name);
    if (!e) memcpy(id_out, list[i].id, ID_TEXT);
    free(list);
    return e;
}

static enum err take_backup(const struct session *s, const char *mac, const struct partition *p,
                            struct buf *out)
{
    char id[ID_TEXT];
    enum err e = guess_backup(s, mac, p, id);
    if (!e) e = store_backup_data(s->ctx->store, id, out);
    if (!e && out->len != p->size) e = err_set(ERR_NOT_FOUND, "the backup has another size");
    return e;
}

/* An image_source: the board's partitions before they were written last. */
static enum err before_last_write(const struct partition *p, struct secret *out, void *arg)
{
    const struct session *s = arg;
    struct buf bytes;
    buf_init_secret(&bytes, p->size);
    enum err e = take_backup(s, s->mac, p, &bytes);
    if (!e) e = secret_copy(bytes.data, bytes.len, out);
    buf_dispose(&bytes);
    return e;
}

static enum err build_again(const struct session *s, const struct credential *c,
                            const struct partition *p, struct buf *out)
{
    const struct image_source before = {before_last_write, (void *)s};
    struct image_set set;
    enum err e = image_set_build(c, &s->layout, &s->ctx->command->target, &before, &set);
    for (size_t i = 0; !e && i < set.count; i++) {
        const struct image *im = &set.items[i];
        if (strcmp(im->partition, p->name) != 0) continue;
        e = buf_append(out, im->bytes.data, im->bytes.len);
        if (!e) e = buf_fill(out, 0xff, p->size - im->bytes.len);
    }
    image_set_dispose(&set);
    return e;
}

/* What the last write made of it. @return ERR_OK; otherwise that cannot be told, and @p out may be
 * anything */
static enum err guess_written(const struct session *s, const struct partition *p, struct buf *out)
{
    struct device_record known;
    struct credential *former = NULL;
    if (record_has_credential(s)) return build_again(s, s->credential, p, out);
    enum err e = store_device_row(s->ctx->store, s->mac, &known);
    if (!e) e = credential_load(s->ctx->store, known.credential, &former);
    if (!e) e = build_again(s, former, p, out);
    credential_free(former);
    return e;
}

/* Of a kind of board that was never seen: the generator of IDF 5.2 and before gives a head to each
 * page of mfg_nvs that it does not use. */
static enum err guess_unused(const struct partition *p, struct buf *out)
{
    struct nvs none;
    nvs_init(&none);
    if (!strcmp(p->name, "mfg_nvs") && !nvs_write(&none, p->size, NVS_FULL, out)) return ERR_OK;
    buf_reset(out);
    return buf_fill(out, 0, p->size);
}

enum err guess_content(const struct session *s, const struct partition *p, struct buf *out)
{
    if (!guess_written(s, p, out) && out->len == p->size) return ERR_OK;
    buf_reset(out);
    if (!take_backup(s, s->mac, p, out)) return ERR_OK;
    buf_reset(out);
    if (!take_backup(s, "", p, out)) return ERR_OK;
    buf_reset(out);
    return guess_unused(p, out);
}
