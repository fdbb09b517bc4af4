/* The credential of a job, and the images that the board's layout wants of it. */
#include <jansson.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/jobs/steps.h"

static enum err load(struct session *s, const char *id)
{
    struct credential_record r;
    struct buf key;
    buf_init_secret(&key, LIMIT_PEM_BYTES);
    enum err e = store_credential_get(s->ctx->store, id, &r);
    if (e) return e;
    e = store_credential_key(s->ctx->store, id, &key);
    if (!e)
        e = credential_restore(r.certificate_pem, r.root_ca_pem, buf_str(&key), key.len,
                               &s->credential);
    buf_dispose(&key);
    credential_record_dispose(&r);
    return e;
}

enum err step_credential(struct session *s)
{
    if (s->credential) return ERR_OK;
    enum err e = load(s, s->ctx->command->credential);
    if (e) return e;
    const struct credential_info *info = credential_info(s->credential);
    /* It was judged when it was uploaded; jobs may run much later. */
    char text[CLOCK_TEXT];
    if (info->not_after_unix_s < clock_now_ms() / 1000)
        job_note(s->ctx, "the certificate has expired at %s",
                 clock_format(info->not_after_unix_s * 1000, text));
    return ERR_OK;
}

enum err step_images(struct session *s)
{
    enum err e = step_credential(s);
    if (!e) e = image_set_build(s->credential, &s->layout, &s->images);
    if (e) return e;
    json_t *list = json_array();
    for (size_t i = 0; i < s->images.count; i++) {
        const struct image *im = &s->images.items[i];
        json_array_append_new(list, json_pack("{s:s,s:I,s:I,s:s}", "partition", im->partition,
                                              "offset", (json_int_t)im->offset, "size",
                                              (json_int_t)im->bytes.len, "sha256", im->sha256));
    }
    session_result(s, "images", list);
    return ERR_OK;
}
