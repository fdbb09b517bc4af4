/* convert: bytes in, bytes out; nothing is kept. */
#include <stdlib.h>
#include <string.h>

#include "api/field.h"
#include "api/handlers/files.h"
#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/limits.h"
#include "service/pki/atpki.h"
#include "service/pki/nvs.h"
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

struct part_list {
    const struct multipart_part *parts;
    size_t n;
};

static const struct multipart_part *part_called(const struct part_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->parts[i].name, name) == 0 || strcmp(l->parts[i].file, name) == 0)
            return &l->parts[i];
    return NULL;
}

/* nvs_file_fn: by the name of the form field or of the file; clients send a file's name without its
 * folder. */
static enum err find_part(const char *name, const uint8_t **data_out, size_t *len_out, void *arg)
{
    const struct part_list *l = arg;
    const char *slash = strrchr(name, '/');
    const struct multipart_part *p = part_called(l, name);
    if (!p && slash) p = part_called(l, slash + 1);
    if (!p) return ERR_NOT_FOUND;
    *data_out = p->data;
    *len_out = p->len;
    return ERR_OK;
}

static enum err build_nvs(struct part_list *l, size_t size, enum nvs_style style, struct buf *out)
{
    struct nvs n;
    const struct multipart_part *csv = part_called(l, "csv");
    if (!csv)
        return err_fail(ERR_ARG, "no_csv", "Send the table as the part named csv.",
                        "none of the %zu parts is named csv", l->n);
    nvs_init(&n);
    enum err e = nvs_from_csv((const char *)csv->data, csv->len, find_part, l, &n);
    if (!e) e = nvs_write(&n, size, style, out);
    nvs_dispose(&n);
    return e;
}

/* @return ERR_OK; ERR_ARG with code bad_query */
static enum err read_nvs_query(const struct request *rq, long *size, enum nvs_style *style)
{
    const char *name = request_query(rq, "style");
    *style = NVS_ROOMY;
    *size = 0;
    if (name && strcmp(name, "full") == 0)
        *style = NVS_FULL;
    else if (name && strcmp(name, "roomy") != 0)
        return request_no_such_value("style");
    if (!request_query(rq, "size"))
        return err_fail(ERR_ARG, "bad_query",
                        "GET the job that identified the board: its layout "
                        "has the size of mfg_nvs.",
                        "size is required: bytes of the partition");
    return request_query_number(rq, "size", NVS_SIZE_MIN, NVS_SIZE_MAX, size);
}

struct reply handle_mfg_nvs(struct request *rq, const struct service *svc)
{
    struct multipart_part *parts;
    struct buf image;
    long size;
    enum nvs_style style;
    size_t n;
    (void)svc;
    if (read_nvs_query(rq, &size, &style) || files_read_parts(rq, &parts, &n))
        return reply_error(rq);
    buf_init_secret(&image, NVS_SIZE_MAX);
    struct part_list list = {parts, n};
    enum err e = build_nvs(&list, (size_t)size, style, &image);
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
