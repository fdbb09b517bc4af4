/* convert: bytes in, bytes out; nothing is kept. */
#include <stdlib.h>
#include <string.h>

#include "api/field.h"
#include "api/handlers/files.h"
#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/limits.h"
#include "service/pki/atpki.h"
#include "service/pki/partition.h"

static enum err pack(const struct multipart_part *parts, size_t n, struct buf *out)
{
    struct atpki_item *items = calloc(n, sizeof *items);
    if (!items) return err_set(ERR_MEM, "out of memory");
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < n; i++) {
        e = atpki_type_parse(parts[i].name, &items[i].type);
        items[i].data = parts[i].data;
        items[i].len = parts[i].len;
    }
    if (!e) e = atpki_build(items, n, out);
    free(items);
    return e;
}

struct reply handle_atpki(struct request *rq, const struct service *svc)
{
    struct multipart_part *parts;
    size_t n;
    struct buf image;
    (void)svc;
    if (files_read_parts(rq, &parts, &n)) return reply_error(rq);
    buf_init_secret(&image, LIMIT_IMAGE_BYTES);
    enum err e = pack(parts, n, &image);
    free(parts);
    if (!e) return reply_bytes(200, "application/octet-stream", &image);
    buf_dispose(&image);
    return reply_content_error(rq);
}

static struct reply table_to_json(struct request *rq)
{
    struct partition_table table;
    if (partition_table_parse(rq->body.data, rq->body.len, &table)) return reply_content_error(rq);
    return reply_json(200, json_pack("{s:o, s:b}", "partitions", json_out_partitions(&table), "md5",
                                     table.had_md5));
}

static struct reply table_to_binary(struct request *rq, bool with_md5)
{
    struct partition_table table;
    struct buf binary;
    buf_init(&binary, PARTITION_TABLE_BYTES);
    enum err e = partition_table_from_csv(buf_str(&rq->body), rq->body.len, &table);
    if (!e) e = partition_table_check(&table, 0);
    if (!e) e = partition_table_build(&table, with_md5, &binary);
    if (!e) return reply_bytes(200, "application/octet-stream", &binary);
    buf_dispose(&binary);
    return reply_content_error(rq);
}

struct reply handle_partition_table(struct request *rq, const struct service *svc)
{
    bool with_md5 = true;
    (void)svc;
    if (request_query_bool(rq, "md5", &with_md5)) return reply_error(rq);
    return field_media_is(rq->content_type, "text/csv") ? table_to_binary(rq, with_md5)
                                                        : table_to_json(rq);
}
