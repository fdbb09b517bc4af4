#include "service/jobs/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum err read_info(const struct firmware_record *r, struct firmware_info *out)
{
    json_t *value = json_loads(r->info_json, 0, NULL);
    enum err e = firmware_from_json(value, out);
    json_decref(value);
    return e;
}

static enum err open_content(struct source *s, const char *data_dir)
{
    char path[SHELF_PATH];
    shelf_path(data_dir, s->id, "content", path);
    shelf_path(data_dir, s->id, "pack", s->pack);
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd >= 0) return ERR_OK;
    return err_fail(ERR_IO, "firmware_lost",
                    "Its file is gone from the data directory or cannot be read: delete the "
                    "firmware and upload it again.",
                    "the content of firmware %s: %s", s->id, strerror(errno));
}

void source_close(struct source *s)
{
    if (s && s->fd >= 0) close(s->fd);
    free(s);
}

static enum err open_record(const struct firmware_record *r, const char *data_dir,
                            struct source **out)
{
    struct source *s = calloc(1, sizeof *s);
    if (!s) return err_set(ERR_MEM, "out of memory");
    s->fd = -1;
    memcpy(s->id, r->id, sizeof s->id);
    memcpy(s->name, r->name, sizeof s->name);
    memcpy(s->sha256, r->sha256, sizeof s->sha256);
    enum err e = read_info(r, &s->info);
    if (!e) e = open_content(s, data_dir);
    if (e)
        source_close(s);
    else
        *out = s;
    return e;
}

enum err source_open(struct store *store, const char *data_dir, const char *id, struct source **out)
{
    struct firmware_record r;
    *out = NULL;
    enum err e = store_firmware_get(store, id, &r);
    if (e) return e;
    e = open_record(&r, data_dir, out);
    firmware_record_dispose(&r);
    return e;
}

enum err source_info(struct store *store, const char *id, struct firmware_info *out)
{
    struct firmware_record r;
    enum err e = store_firmware_get(store, id, &r);
    if (e) return e;
    e = read_info(&r, out);
    firmware_record_dispose(&r);
    return e;
}

static enum err check(struct store *store, const char *id, const char *pointer, bool as_binary,
                      struct field_errors *errors)
{
    struct firmware_info *info = malloc(sizeof *info);
    if (!info) return err_set(ERR_MEM, "out of memory");
    enum err e = source_info(store, id, info);
    if (!e && as_binary && info->kind != FIRMWARE_BINARY)
        field_errors_add(errors, pointer,
                         "is a %s, which knows its places itself: name it as \"firmware\"",
                         firmware_kind_name(info->kind));
    if (!e && !as_binary && info->kind == FIRMWARE_BINARY)
        field_errors_add(errors, pointer,
                         "is a binary, which does not know its place: name it in \"images\"");
    free(info);
    return e;
}

enum err sources_check(struct store *store, const struct command *c, struct field_errors *errors)
{
    enum err e = c->firmware[0] ? check(store, c->firmware, "/firmware", false, errors) : ERR_OK;
    for (size_t i = 0; !e && i < c->image_count; i++) {
        char pointer[48];
        snprintf(pointer, sizeof pointer, "/images/%zu/firmware", i);
        if (c->images[i].firmware[0])
            e = check(store, c->images[i].firmware, pointer, true, errors);
    }
    return e ? e : field_errors_result(errors);
}
