#include "service/pki/nvs.h"

#include <stdlib.h>
#include <string.h>

#include "service/pki/nvs_page.h"

void nvs_init(struct nvs *n)
{
    *n = (struct nvs){.items = NULL};
}

static void item_dispose(struct nvs_item *item)
{
    buf_dispose(&item->bytes);
}

void nvs_dispose(struct nvs *n)
{
    for (size_t i = 0; i < n->count; i++)
        item_dispose(&n->items[i]);
    free(n->items);
    nvs_init(n);
}

static void name_copy(char out[NVS_NAME], const char *name)
{
    memset(out, 0, NVS_NAME);
    memcpy(out, name, strnlen(name, NVS_NAME));
}

/* The place of an item, n->count when there is none. Key "" asks for the namespace itself. Names
 * are compared with the NULs behind them, which takes no time: the list may be long. */
static size_t find(const struct nvs *n, const char *space, const char *key)
{
    char wanted_space[NVS_NAME], wanted_key[NVS_NAME];
    size_t i = 0;
    name_copy(wanted_space, space);
    name_copy(wanted_key, key);
    while (i < n->count && (memcmp(n->items[i].key, wanted_key, NVS_NAME) != 0 ||
                            memcmp(n->items[i].space, wanted_space, NVS_NAME) != 0))
        i++;
    return i;
}

const struct nvs_item *nvs_find(const struct nvs *n, const char *space, const char *key)
{
    size_t i = find(n, space, key);
    return i < n->count ? &n->items[i] : NULL;
}

static enum err check_name(const char *what, const char *name)
{
    size_t len = strlen(name);
    if (len >= 1 && len < NVS_NAME) return ERR_OK;
    return err_fail(ERR_ARG, "nvs_bad_name", "NVS names have 1 to 15 bytes.",
                    "the %s \"%.40s\" has %zu bytes", what, name, len);
}

static enum err check_value(const char *key, enum nvs_type type, uint64_t number, const void *data,
                            size_t len)
{
    size_t width = nvs_width(type);
    if (type == NVS_STRING && len && memchr(data, '\0', len))
        return err_fail(ERR_ARG, "nvs_bad_value", NULL, "the string \"%s\" holds a NUL", key);
    if (!width || width == 8) return ERR_OK;
    int64_t value = (int64_t)number, half = (int64_t)1 << (8 * width - 1);
    bool is_signed = type & 0x10;
    bool fits = is_signed ? value >= -half && value < half : value >= 0 && value < 2 * half;
    if (fits) return ERR_OK;
    return err_fail(ERR_ARG, "nvs_bad_value", NULL, "the value of \"%s\" does not fit %zu bits",
                    key, 8 * width);
}

/* A place for one more item, at index @p at. @return false when there is no memory */
static bool make_room(struct nvs *n, size_t at)
{
    if (!n->items || n->count == n->cap) {
        size_t cap = n->cap ? 2 * n->cap : 32;
        struct nvs_item *grown = reallocarray(n->items, cap, sizeof *grown);
        if (!grown) return false;
        n->items = grown;
        n->cap = cap;
    }
    for (size_t i = n->count++; i > at; i--)
        n->items[i] = n->items[i - 1];
    return true;
}

static enum err insert(struct nvs *n, size_t at, const struct nvs_item *head, const void *data,
                       size_t len)
{
    struct nvs_item item = *head;
    buf_init_secret(&item.bytes, len);
    if (len && buf_append(&item.bytes, data, len)) return err_last()->kind;
    if (!make_room(n, at)) {
        item_dispose(&item);
        return err_set(ERR_MEM, "out of memory");
    }
    n->items[at] = item;
    return ERR_OK;
}

static struct nvs_item make_item(const char *space, const char *key, enum nvs_type type,
                                 uint64_t number)
{
    struct nvs_item item = {.type = type, .number = number};
    name_copy(item.space, space); /* checked: they fit with their NUL */
    name_copy(item.key, key);
    return item;
}

static enum err declare(struct nvs *n, const char *space)
{
    if (nvs_find(n, space, "")) return ERR_OK;
    struct nvs_item item = make_item(space, "", NVS_NAMESPACE, 0);
    return insert(n, n->count, &item, NULL, 0);
}

enum err nvs_add(struct nvs *n, const char *space, const char *key, enum nvs_type type,
                 uint64_t number, const void *data, size_t len)
{
    enum err e = check_name("namespace", space);
    if (!e && type == NVS_NAMESPACE) return declare(n, space);
    if (!e) e = check_name("key", key);
    if (!e) e = check_value(key, type, number, data, len);
    if (!e && nvs_find(n, space, key))
        e = err_fail(ERR_ARG, "nvs_duplicate", "Remove one of the two.",
                     "the key \"%s\" is there twice in the namespace \"%s\"", key, space);
    if (!e) e = declare(n, space);
    if (e) return e;
    struct nvs_item item = make_item(space, key, type, number);
    return insert(n, n->count, &item, data, len);
}

/* Where the next item of a namespace goes: behind its last one. */
static size_t end_of(const struct nvs *n, const char *space)
{
    size_t end = n->count;
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->items[i].space, space) == 0) end = i + 1;
    return end;
}

static void remove_at(struct nvs *n, size_t at)
{
    item_dispose(&n->items[at]);
    n->count--;
    memmove(&n->items[at], &n->items[at + 1], (n->count - at) * sizeof *n->items);
}

enum err nvs_set(struct nvs *n, const char *space, const char *key, enum nvs_type type,
                 uint64_t number, const void *data, size_t len)
{
    size_t old = find(n, space, key);
    if (old == n->count && !nvs_find(n, space, ""))
        return nvs_add(n, space, key, type, number, data, len);
    enum err e = check_name("key", key);
    if (!e) e = check_value(key, type, number, data, len);
    if (e) return e;
    bool replace = old < n->count;
    struct nvs_item item = make_item(space, key, type, number);
    e = insert(n, replace ? old : end_of(n, space), &item, data, len);
    if (!e && replace) remove_at(n, old + 1);
    return e;
}

enum err nvs_remove(struct nvs *n, const char *space, const char *key)
{
    size_t at = find(n, space, key);
    if (at == n->count) return err_set(ERR_NOT_FOUND, "no key \"%s\" in \"%s\"", key, space);
    remove_at(n, at);
    return ERR_OK;
}
