/* The input is read as a partition and as CSV; what comes out of either must pack into a partition
 * that reads back as the same items. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/pki/nvs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition) abort();
}

static void expect_same(const struct nvs *a, const struct nvs *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct nvs_item *p = &a->items[i], *q = nvs_find(b, p->space, p->key);
        must(q && q->type == p->type && q->number == p->number && q->bytes.len == p->bytes.len);
        must(!p->bytes.len || !memcmp(p->bytes.data, q->bytes.data, p->bytes.len));
    }
    must(a->count == b->count);
}

static void expect_round_trip(const struct nvs *n, enum nvs_style style)
{
    struct buf image;
    struct nvs back;
    struct nvs_findings found;
    buf_init(&image, NVS_SIZE_MAX);
    nvs_init(&back);
    if (!nvs_write(n, NVS_SIZE_MAX, style, &image)) {
        must(image.len == NVS_SIZE_MAX);
        must(!nvs_read(image.data, image.len, &back, &found));
        must(!found.damaged_pages && !found.damaged_entries && !found.orphans);
        expect_same(n, &back);
    }
    nvs_dispose(&back);
    buf_dispose(&image);
}

/* The input itself is the file that rows name. */
static enum err whole_input(const char *name, const uint8_t **data_out, size_t *len_out, void *arg)
{
    const struct buf *input = arg;
    (void)name;
    *data_out = input->data;
    *len_out = input->len;
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nvs n;
    struct nvs_findings found;
    struct buf input;
    size_t pages = size / NVS_PAGE * NVS_PAGE;
    buf_init(&input, size + 1);
    must(!size || !buf_append(&input, data, size));
    nvs_init(&n);
    if (!nvs_read(data, pages, &n, &found)) expect_round_trip(&n, NVS_ROOMY);
    nvs_dispose(&n);
    if (!nvs_from_csv((const char *)data, size, whole_input, &input, &n))
        expect_round_trip(&n, NVS_FULL);
    nvs_dispose(&n);
    buf_dispose(&input);
    return 0;
}
