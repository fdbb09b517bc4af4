/* Reading flash through the loader: about 64 bytes in 8 ms at 115200. It may hold keys, so what was
 * read is stored sealed. */
#include <jansson.h>
#include <stdio.h>

#include "service/base/buf.h"
#include "service/base/digest.h"
#include "service/jobs/steps.h"
#include "service/jobs/wire.h"

static void report(struct session *s, const struct place *p, const struct buf *bytes)
{
    char sha256[SHA256_HEX], url[64];
    uint8_t digest[SHA256_BYTES];
    digest_sha256(bytes->data, bytes->len, digest);
    snprintf(url, sizeof url, "/v1/jobs/%s/data", s->ctx->job_id);
    json_t *r =
        json_pack("{s:I,s:I,s:s,s:s}", "offset", (json_int_t)p->offset, "size", (json_int_t)p->size,
                  "sha256", digest_hex(digest, sizeof digest, sha256), "url", url);
    if (p->name[0]) json_object_set_new(r, "partition", json_string(p->name));
    wire_report(s, r);
    json_int_t ms = json_integer_value(json_object_get(r, "ms"));
    json_object_set_new(r, "bytes_per_second",
                        json_integer((json_int_t)p->size * 1000 / (ms ? ms : 1)));
    session_result(s, "read", r);
}

enum err step_read(struct session *s)
{
    const struct place *p = &s->place;
    struct buf bytes;
    buf_init_secret(&bytes, p->size);
    wire_begin(s);
    enum err e = buf_fill(&bytes, 0, p->size);
    if (!e) e = wire_read(s, p->offset, bytes.data, p->size);
    if (!e) e = store_dump_put(s->ctx->store, s->ctx->job_id, bytes.data, bytes.len);
    if (!e) report(s, p, &bytes);
    buf_dispose(&bytes);
    return e;
}
