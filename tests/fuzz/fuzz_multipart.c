/* The input is a multipart body with the boundary "b". Parts must lie within it, in order, and a
 * body that is rebuilt from them must give the same parts. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/multipart.h"
#include "service/base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 16 };

static void must(int condition)
{
    if (!condition) abort();
}

static void must_survive(const struct multipart_part *parts, size_t n)
{
    struct multipart_part again[PARTS];
    struct multipart_list list = {.parts = again, .cap = PARTS};
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        buf_puts(&b, "--b\r\nContent-Disposition: form-data\r\n\r\n");
        buf_append(&b, parts[i].data, parts[i].len);
        buf_puts(&b, "\r\n");
    }
    buf_puts(&b, "--b--");
    if (!buf_ok(&b)) {
        must(multipart_parse(b.data, b.len, "b", &list) == ERR_OK);
        must(list.count == n);
        for (size_t i = 0; i < n; i++)
            must(again[i].len == parts[i].len &&
                 (!parts[i].len || memcmp(again[i].data, parts[i].data, parts[i].len) == 0));
    }
    buf_dispose(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct multipart_part parts[PARTS];
    struct multipart_list list = {.parts = parts, .cap = PARTS};
    const uint8_t *at = data;
    if (multipart_parse(data, size, "b", &list)) return 0;
    size_t n = list.count;
    must(n <= PARTS);
    for (size_t i = 0; i < n; i++) {
        must(parts[i].data >= at && parts[i].data + parts[i].len <= data + size);
        must(strlen(parts[i].name) < sizeof parts[i].name);
        must(strlen(parts[i].file) < sizeof parts[i].file);
        at = parts[i].data + parts[i].len;
    }
    must_survive(parts, n);
    return 0;
}
