/* Design: a backup is stored before the first byte is written, and a write is told of in a record
 * only when it was proved. So the backups that are newer than the last proof are those of writes
 * that were never ended; the oldest of them is whole, and later ones hold what it left. */
#include "service/jobs/cut_off.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/jobs/steps.h"

static bool names(const json_t *o, const char *partition)
{
    const char *text = json_string_value(json_object_get(o, "partition"));
    return text && strcmp(text, partition) == 0;
}

/* A firmware that was flashed since brought its own content, or keeps what reads well. */
static bool tells_of_proof(const json_t *result, const char *partition)
{
    const json_t *restore = json_object_get(result, "restore");
    const json_t *images = json_object_get(result, "images");
    if (json_object_get(result, "flash") || json_object_get(result, "erase")) return true;
    if (!json_object_get(result, "write")) return false;
    bool found = names(restore, partition);
    for (size_t i = 0; !found && i < json_array_size(images); i++)
        found = names(json_array_get(images, i), partition);
    return found;
}

static bool is_proof(const char *text, const char *partition)
{
    json_t *result = text ? json_loads(text, 0, NULL) : NULL;
    bool proof = tells_of_proof(result, partition);
    json_decref(result);
    return proof;
}

/* @param[out] ms_out  when a job last proved what it wrote there; 0 = never */
static enum err last_proof(const struct session *s, const char *partition, int64_t *ms_out)
{
    struct device_record row;
    struct device_entry *list;
    size_t n, i = 0;
    *ms_out = 0;
    enum err e = store_device_get(s->ctx->store, s->mac, &row, &list, &n);
    if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
    while (i < n && !is_proof(list[i].detail_json, partition))
        i++;
    if (i < n) *ms_out = list[i].at_ms;
    for (i = 0; i < n; i++)
        device_entry_dispose(&list[i]);
    free(list);
    return ERR_OK;
}

/* A job that was killed has no entry in the board's record; its own goes as far as it came. */
static bool job_proved(const struct session *s, const char *job, const char *partition)
{
    struct job_record r;
    if (store_job_get(s->ctx->store, job, &r)) return false;
    bool proof = is_proof(r.result_json, partition);
    job_record_dispose(&r);
    return proof;
}

/* @param list  newest first @param[out] out  of the partition, before the first write that was not
 * proved; id "" = all were */
static enum err find_whole(const struct session *s, const struct partition *p,
                           const struct backup_record *list, size_t n, struct backup_record *out)
{
    int64_t proved_ms = -1;
    *out = (struct backup_record){.id = ""};
    for (size_t i = 0; i < n; i++) {
        const struct backup_record *b = &list[i];
        if (!backup_is_of(b, p)) continue;
        enum err e = proved_ms < 0 ? last_proof(s, p->name, &proved_ms) : ERR_OK;
        if (e) return e;
        if (b->created_ms <= proved_ms || job_proved(s, b->job, p->name)) return ERR_OK;
        *out = *b;
    }
    return ERR_OK;
}

static bool holds(const struct secret *now, const struct backup_record *b)
{
    uint8_t digest[SHA256_BYTES];
    char sha256[SHA256_HEX];
    digest_sha256(now->data, now->len, digest);
    return strcmp(digest_hex(digest, sizeof digest, sha256), b->sha256) == 0;
}

enum err cut_off_refuse(const struct session *s, const struct partition *p,
                        const struct secret *now)
{
    struct store_page page = {.limit = LIMIT_PAGE};
    struct backup_record *list, whole;
    size_t n;
    enum err e = store_backup_list(s->ctx->store, s->mac, &page, &list, &n);
    if (e) return e;
    e = find_whole(s, p, list, n, &whole);
    free(list);
    if (e || !whole.id[0] || holds(now, &whole)) return e;
    char hint[200];
    snprintf(hint, sizeof hint,
             "Put the backup %s back by a job of kind restore, then write again. If what is there "
             "is right, delete the backups of it.",
             whole.id);
    return err_fail(ERR_CONFLICT, "write_was_cut_off", hint,
                    "%s was ended while it wrote %s, which may hold parts of two contents",
                    whole.job, p->name);
}
