#include "service/firmware/compose.h"

#include <stdio.h>
#include <stdlib.h>

#include "service/firmware/learn.h"

static enum err no_partitions(void)
{
    return err_fail(ERR_ARG, "firmware_no_credential_partitions",
                    "Take a release or a factory image of ESP-AT v2.0 or newer.",
                    "the firmware has no table of partitions for credentials: it is not ESP-AT");
}

enum err firmware_layout(const struct firmware_info *f, struct layout *out)
{
    char source[sizeof out->source];
    snprintf(source, sizeof source, "firmware %.20s %.20s", f->project, f->version);
    layout_from_table(&f->user, source, out);
    return f->user.count ? ERR_OK : no_partitions();
}

static enum err read_partition(const struct partition *p, struct secret *out, void *arg)
{
    struct buf bytes;
    buf_init_secret(&bytes, p->size); /* a custom firmware may bring a key */
    enum err e = buf_fill(&bytes, 0xFF, p->size);
    if (!e) e = content_read(arg, p->offset, bytes.data, p->size);
    if (!e) e = secret_copy(bytes.data, bytes.len, out);
    buf_dispose(&bytes);
    return e;
}

struct image_source firmware_source(struct content *c)
{
    return (struct image_source){read_partition, c};
}

static enum err add_all(const struct firmware_info *f, int fd, const struct image_set *images,
                        struct content *c)
{
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < f->part_count; i++) {
        const struct firmware_part *p = &f->parts[i];
        e = content_add_file(c, p->name, p->offset, p->size, fd, p->at, 0);
    }
    for (size_t i = 0; !e && images && i < images->count; i++) {
        const struct image *m = &images->items[i];
        e = content_add_bytes(c, m->partition, m->offset, m->partition_size, m->bytes.data,
                              m->bytes.len, m->holds_key);
    }
    return e;
}

enum err firmware_content(const struct firmware_info *f, int fd, const struct image_set *images,
                          struct content **out)
{
    *out = NULL;
    if (images && !f->user.count) return no_partitions();
    if (f->kind == FIRMWARE_BINARY)
        return err_fail(ERR_ARG, "firmware_no_place",
                        "Name its offset or its partition in \"images\".",
                        "the firmware is a single binary, which does not say where it belongs");
    enum err e = content_new(out);
    if (!e) e = add_all(f, fd, images, *out);
    if (!e) return ERR_OK;
    content_free(*out);
    *out = NULL;
    return e;
}

enum err content_patch_header(struct content *c, uint32_t offset, uint32_t room,
                              const struct esp_header_wish *wish)
{
    if (wish->mode == HEADER_KEEP && wish->freq == HEADER_KEEP && wish->size == HEADER_KEEP)
        return ERR_OK;
    uint32_t n;
    enum err e = learn_image_bytes(c, offset, room, &n);
    if (e) return e;
    uint8_t *image = malloc(n);
    if (!image) return err_set(ERR_MEM, "out of memory");
    e = content_read(c, offset, image, n);
    if (!e) e = esp_header_patch(image, n, wish);
    if (!e) e = content_add_bytes(c, "bootloader with another header", offset, n, image, n, false);
    free(image);
    return e;
}

enum err content_compose(struct content *c, uint32_t flash_bytes, struct buf *out)
{
    const struct piece *pieces;
    size_t n;
    enum err e = content_pieces(c, &pieces, &n);
    if (e) return e;
    uint64_t end = n ? (uint64_t)pieces[n - 1].offset + pieces[n - 1].size : 0;
    if (end > flash_bytes)
        return err_fail(ERR_ARG, "flash_past_end", "Choose the flash size it was made for.",
                        "the firmware ends at 0x%llx, the flash has 0x%x bytes",
                        (unsigned long long)end, (unsigned)flash_bytes);
    size_t at = out->len;
    e = buf_fill(out, 0xFF, flash_bytes);
    return e ? e : content_read(c, 0, out->data + at, flash_bytes);
}
