/* An image that can be taken apart must be built again from its parts, to an image with the same
 * parts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/pki/atpki.h"

enum { ITEMS_MAX = 800, IMAGE_MAX = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_of(const struct atpki_item *items, size_t n, enum atpki_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += items[i].type == type;
    return count;
}

static int can_be_built(const struct atpki_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!items[i].len) return 0;
    for (unsigned type = ATPKI_CA; type <= ATPKI_KEY; type++)
        if (count_of(items, n, (enum atpki_type)type) > 256) return 0;
    return n > 0;
}

static void must(int condition)
{
    if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct atpki_item items[ITEMS_MAX], back[ITEMS_MAX];
    size_t n = 0, again = 0;
    struct buf image;
    if (atpki_parse(data, size, items, ITEMS_MAX, &n)) {
        must(n == 0);
        return 0;
    }
    buf_init(&image, IMAGE_MAX);
    enum err e = atpki_build(items, n, &image);
    must((e == ERR_OK) == can_be_built(items, n));
    if (!e) {
        must(image.len % 4 == 0);
        must(!atpki_parse(image.data, image.len, back, ITEMS_MAX, &again) && again == n);
        for (unsigned type = ATPKI_CA; type <= ATPKI_KEY; type++)
            must(count_of(items, n, (enum atpki_type)type) ==
                 count_of(back, n, (enum atpki_type)type));
    }
    buf_dispose(&image);
    return 0;
}
