#include "service/jobs/gather.h"

#include <stdio.h>
#include <string.h>

#include "service/firmware/compose.h"
#include "service/jobs/board_guard.h"
#include "service/jobs/key_trouble.h"
#include "service/jobs/kept_images.h"
#include "service/jobs/plan.h"
#include "service/jobs/steps.h"

/* --- a firmware --- */

static bool is_esp_at(const struct partition_table *t)
{
    return partition_find_type(t, PARTITION_TYPE_AT, 0) != NULL;
}

/* With a table of its own a firmware decides about the whole flash; without, only about the parts
 * that it has. */
static unsigned rights_of(const struct session *s, const struct firmware_info *info)
{
    const struct chip *chip = flasher_board(s->flasher)->chip;
    if (info->table.count) return EVERY_AREA;
    for (size_t i = 0; i < info->part_count; i++)
        if (info->parts[i].offset == chip->bootloader_offset) return GUARD_BOOTLOADER;
    return 0;
}

/* A firmware that brings its own tables decides where all things lie from now on. */
static enum err adopt_layout(struct session *s, const struct firmware_info *info)
{
    bool credential = s->ctx->command->credential[0] != '\0';
    s->plan->is_esp_at = is_esp_at(info->table.count ? &info->table : &s->primary);
    if (!credential && !info->table.count) return ERR_OK;
    enum err e = firmware_layout(info, &s->layout);
    return credential ? e : ERR_OK; /* else other firmware than ESP-AT will do */
}

/* The credential's images, made of what the firmware itself has in their partitions. */
static enum err build_images(struct session *s, const struct source *src)
{
    struct content *present;
    enum err e = firmware_content(&src->info, src->fd, NULL, &present);
    if (e) return e;
    const struct image_source now = firmware_source(present);
    e = images_build(s, &now);
    content_free(present);
    if (!e) key_trouble_tell(s, src->info.version);
    return e;
}

enum err gather_firmware(struct session *s, unsigned *allowed_out)
{
    const struct source *src = s->plan->sources[0];
    bool credential = s->ctx->command->credential[0] != '\0';
    *allowed_out = rights_of(s, &src->info);
    enum err e = adopt_layout(s, &src->info);
    if (!e && credential) e = build_images(s, src);
    if (e) return e;
    return firmware_content(&src->info, src->fd, credential ? &s->images : NULL, &s->plan->content);
}

/* --- images --- */

static enum err check_size(const struct place *p, const char *name, size_t n)
{
    if (!p->name[0] || n <= p->size) return ERR_OK;
    return err_fail(
        ERR_ARG, "flash_past_partition", "Choose a larger partition, or a smaller image.",
        "%s has %zu bytes, the partition %s only %u", name, n, p->name, (unsigned)p->size);
}

/* What was named by partition is to hold the image and nothing older behind it. */
static enum err clear_rest(struct session *s, const struct place *p, uint32_t n)
{
    uint32_t used = (uint32_t)content_sectors(n);
    if (!p->name[0] || used >= p->size) return ERR_OK;
    return content_add_bytes(s->plan->content, p->name, p->offset + used, p->size - used, NULL, 0,
                             false);
}

/* @param n  bytes of the image */
static enum err judge(const struct session *s, struct place *p, const char *name, size_t n,
                      unsigned *allowed)
{
    unsigned named = p->name[0] ? GUARD_NVS : 0;
    enum err e = check_size(p, name, n);
    if (e) return e;
    *allowed |= named;
    if (!p->name[0]) p->size = (uint32_t)content_sectors(n);
    return board_guard_range(s, named, p);
}

static enum err add_binary(struct session *s, size_t item, unsigned *allowed)
{
    const struct source *src = s->plan->sources[item];
    const struct firmware_part *part = &src->info.parts[0];
    struct place p;
    struct place_map map;
    board_map(s, &map);
    enum err e = place_find(&map, &s->ctx->command->images[item].place, false, &p);
    if (!e) e = judge(s, &p, src->name, part->size, allowed);
    if (!e)
        e = content_add_file(s->plan->content, src->name, p.offset, part->size, src->fd, part->at,
                             (int)item);
    if (e) return e;
    s->plan->begins[item] = p.offset;
    return clear_rest(s, &p, part->size);
}

static enum err no_such_file(const struct command_image *m)
{
    return err_fail(ERR_NOT_FOUND, "image_not_found",
                    "GET the set: it names its files. A whole firmware with a credential is "
                    "flashed by \"firmware\" and \"credential\".",
                    "there is no image \"%s\" in %s", m->file, m->image);
}

/* Unless the order says where, an image goes where the board has its partition; the set may have
 * been built for another layout. */
static enum err find_image_place(const struct session *s, const struct command_image *m,
                                 const struct image *im, struct place *out)
{
    struct place_map map;
    struct command_place wanted = m->place;
    board_map(s, &map);
    if (!m->placed && partition_find(map.user, im->partition))
        memcpy(wanted.partition, im->partition, sizeof wanted.partition);
    else if (!m->placed)
        wanted.offset = im->offset;
    return place_find(&map, &wanted, false, out);
}

static enum err add_image(struct session *s, size_t item, const struct image_set *set,
                          unsigned *allowed)
{
    const struct command_image *m = &s->ctx->command->images[item];
    const struct image *im = NULL;
    struct place p;
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i].file, m->file) == 0) im = &set->items[i];
    if (!im) return no_such_file(m);
    enum err e = find_image_place(s, m, im, &p);
    if (!e) e = judge(s, &p, im->file, im->bytes.len, allowed);
    if (e) return e;
    s->plan->begins[item] = p.offset;
    return content_add_bytes(s->plan->content, im->file, p.offset, p.size, im->bytes.data,
                             im->bytes.len, im->holds_key);
}

static enum err add_file_of_set(struct session *s, size_t item, unsigned *allowed)
{
    struct kept_images *kept;
    enum err e = kept_images_load(s->ctx->store, s->ctx->data_dir,
                                  s->ctx->command->images[item].image, &kept);
    if (e) return e;
    e = add_image(s, item, &kept->set, allowed);
    kept_images_free(kept);
    return e;
}

/* An app of one's own may have taken the place of ESP-AT. */
static bool leaves_esp_at(const struct session *s)
{
    for (size_t i = 0; i < s->ctx->command->image_count; i++) {
        const struct source *src = s->plan->sources[i];
        if (src && src->info.project[0] && strcmp(src->info.project, "esp-at") != 0) return false;
    }
    return is_esp_at(&s->primary);
}

enum err gather_images(struct session *s, unsigned *allowed_out)
{
    const struct command *c = s->ctx->command;
    enum err e = content_new(&s->plan->content);
    *allowed_out = 0;
    for (size_t i = 0; !e && i < c->image_count; i++)
        e = c->images[i].firmware[0] ? add_binary(s, i, allowed_out)
                                     : add_file_of_set(s, i, allowed_out);
    s->plan->is_esp_at = leaves_esp_at(s);
    return e;
}
