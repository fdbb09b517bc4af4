/* command_flash: the fields of flash, read and erase. */
#include <stdio.h>
#include <string.h>

#include "service/firmware/guard.h"
#include "service/jobs/command_parts.h"

enum { SECTOR = 0x1000, POINTER = 40 };

static void judge_sector(struct field_errors *errors, const char *pointer, int64_t bytes)
{
    if (bytes % SECTOR)
        field_errors_add(errors, pointer, "must be a multiple of %d: flash is erased in sectors",
                         SECTOR);
}

/* --- images --- */

struct item {
    int64_t offset;
    bool by_offset, by_partition, firmware_given, image_given, file_given;
};

static void add_at(struct field_errors *errors, const char *at, const char *name, const char *what)
{
    char pointer[POINTER + 16];
    snprintf(pointer, sizeof pointer, "%s/%s", at, name);
    field_errors_add(errors, pointer, "%s", what);
}

/* Where it goes: a binary must be told, a file of an image set knows. */
static void judge_item_place(const struct item *i, const char *at, struct field_errors *errors)
{
    char pointer[POINTER + 16];
    if (i->by_offset && i->by_partition)
        add_at(errors, at, "partition", "excludes \"offset\"");
    else if (i->firmware_given && !i->by_offset && !i->by_partition)
        add_at(errors, at, "offset",
               "is required, or \"partition\": a binary does not know its place");
    snprintf(pointer, sizeof pointer, "%s/offset", at);
    judge_sector(errors, pointer, i->offset);
}

static void judge_item(const struct command_image *im, const struct item *i, const char *at,
                       struct field_errors *errors)
{
    char pointer[POINTER + 16];
    if (i->firmware_given == i->image_given)
        field_errors_add(errors, at, "must have either \"firmware\" or \"image\" and \"file\"");
    else if (i->image_given && !i->file_given)
        add_at(errors, at, "file", "is required with \"image\"");
    else if (i->firmware_given && i->file_given)
        add_at(errors, at, "file", "goes with \"image\" only");
    snprintf(pointer, sizeof pointer, "%s/firmware", at);
    command_judge_id(errors, pointer, im->firmware, "a firmware");
    snprintf(pointer, sizeof pointer, "%s/image", at);
    command_judge_id(errors, pointer, im->image, "an image set");
    judge_item_place(i, at, errors);
}

static void read_item(const json_t *value, size_t index, struct command_image *out,
                      struct field_errors *errors)
{
    struct item i = {0};
    char at[POINTER];
    snprintf(at, sizeof at, "/images/%zu", index);
    const struct json_field fields[] = {
        {JSON_IN_STR, "firmware", JSON_OPTIONAL, out->firmware, 1, ID_TEXT - 1, NULL,
         &i.firmware_given},
        {JSON_IN_STR, "image", JSON_OPTIONAL, out->image, 1, ID_TEXT - 1, NULL, &i.image_given},
        {JSON_IN_STR, "file", JSON_OPTIONAL, out->file, 1, sizeof out->file - 1, NULL,
         &i.file_given},
        {JSON_IN_STR, "partition", JSON_OPTIONAL, out->place.partition, 1,
         sizeof out->place.partition - 1, NULL, &i.by_partition},
        {JSON_IN_ADDRESS, "offset", JSON_OPTIONAL, &i.offset, 0, UINT32_MAX, NULL, &i.by_offset},
        JSON_FIELDS_END,
    };
    json_in(value, at, fields, errors);
    if (!json_is_object(value)) return;
    judge_item(out, &i, at, errors);
    out->placed = i.by_offset || i.by_partition;
    out->place.offset = (uint32_t)i.offset;
}

static void read_images(struct command *c, const json_t *list, struct field_errors *errors)
{
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < LIMIT_FLASH_IMAGES; i++)
        read_item(json_array_get(list, i), i, &c->images[c->image_count++], errors);
}

/* --- header --- */

static const char *const modes[] = {"keep", "qio", "qout", "dio", "dout", NULL};
static const char *const freqs[] = {"keep", "80m", "60m", "48m", "40m", "30m", "26m",
                                    "24m",  "20m", "16m", "15m", "12m", NULL};
static const char *const sizes[] = {"keep", "1MB",  "2MB",  "4MB",   "8MB",
                                    "16MB", "32MB", "64MB", "128MB", NULL};

static void read_header(struct command *c, const json_t *object, struct field_errors *errors)
{
    int mode = 0, freq = 0, size = 0;
    const struct json_field fields[] = {
        JSON_CHOICE("mode", &mode, JSON_OPTIONAL, modes),
        JSON_CHOICE("freq", &freq, JSON_OPTIONAL, freqs),
        JSON_CHOICE("size", &size, JSON_OPTIONAL, sizes),
        JSON_FIELDS_END,
    };
    if (object) json_in(object, "/header", fields, errors);
    snprintf(c->header.mode, sizeof c->header.mode, "%s", modes[mode]);
    snprintf(c->header.freq, sizeof c->header.freq, "%s", freqs[freq]);
    snprintf(c->header.size, sizeof c->header.size, "%s", sizes[size]);
}

/* --- the whole --- */

void command_read_flash(struct command *c, const struct command_draft *d,
                        struct field_errors *errors)
{
    read_images(c, d->images, errors);
    read_header(c, d->header, errors);
    if (d->firmware_given && d->images_given)
        field_errors_add(errors, "/images", "excludes \"firmware\"");
    else if (!d->firmware_given && !d->images_given)
        field_errors_add(errors, "/firmware", "is required, or \"images\"");
    if (c->credential[0] && !d->firmware_given)
        field_errors_add(errors, "/credential", "goes into a \"firmware\" only");
}

void command_read_overwrite(struct command *c, const struct command_draft *d,
                            struct field_errors *errors)
{
    for (size_t i = 0; i < json_array_size(d->overwrite); i++) {
        const char *name = json_string_value(json_array_get(d->overwrite, i));
        enum guard_area area;
        char pointer[POINTER];
        snprintf(pointer, sizeof pointer, "/overwrite/%zu", i);
        if (name && guard_area_parse(name, &area))
            c->overwrite |= area;
        else
            field_errors_add(errors, pointer, "must be one of: bootloader, partition_table, nvs");
    }
}

void command_read_place(struct command *c, const struct command_draft *d,
                        struct field_errors *errors)
{
    bool by_offset = d->offset_given || d->size_given;
    int ways = d->partition_given + by_offset + c->whole;
    if (ways != 1)
        field_errors_add(errors, "",
                         "must have one of \"partition\", \"offset\" with \"size\", "
                         "and \"whole\": true");
    else if (by_offset && !d->size_given)
        field_errors_add(errors, "/size", "is required with \"offset\"");
    else if (by_offset && !d->offset_given)
        field_errors_add(errors, "/offset", "is required with \"size\"");
    if (c->kind == COMMAND_ERASE) {
        judge_sector(errors, "/offset", d->offset);
        judge_sector(errors, "/size", d->size);
    }
    c->place.offset = (uint32_t)d->offset;
    c->place.size = (uint32_t)d->size;
}
