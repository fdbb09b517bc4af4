/* The credential of a job, and the images that the board's layout wants of it. */
#include <jansson.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/jobs/kept_images.h"
#include "service/jobs/steps.h"
#include "service/jobs/target_json.h"

enum err step_credential(struct session *s)
{
    if (s->credential) return ERR_OK;
    enum err e = credential_load(s->ctx->store, s->ctx->command->credential, &s->credential);
    if (e) return e;
    const struct credential_info *info = credential_info(s->credential);
    /* It was judged when it was uploaded; jobs may run much later. */
    char text[CLOCK_TEXT];
    if (info->not_after_unix_s < clock_now_ms() / 1000)
        job_note(s->ctx, "the certificate has expired at %s",
                 clock_format(info->not_after_unix_s * 1000, text));
    return ERR_OK;
}

enum err images_build(struct session *s, const struct image_source *now)
{
    const struct target *target = &s->ctx->command->target;
    enum err e = step_credential(s);
    if (!e) e = image_set_build(s->credential, &s->layout, target, now, &s->images);
    if (e) return e;
    session_result(s, "target", target_to_json(target));
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

enum err step_images(struct session *s)
{
    return images_build(s, NULL);
}

enum err step_purge(struct session *s)
{
    enum err e = store_credential_purge_key(s->ctx->store, s->ctx->command->credential);
    if (!e) session_result(s, "key_purged", json_true());
    return e;
}
