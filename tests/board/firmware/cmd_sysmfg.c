/* AT+SYSMFG: the values in mfg_nvs one by one. Whatever is wrong ends in ERROR without a code. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/firmware/commands.h"
#include "tests/board/firmware/firmware.h"

enum { OP_ERASE, OP_READ, OP_WRITE };
enum { TYPE_STRING = 7, TYPE_BLOB = 8 };
/* Between a length that was taken and one that was refused before its data (at-observed.md 10):
 * what the heap still has in one piece. */
enum { VALUE_MAX = 64 * 1024 };
enum { LOOK_MS = 200, LOOK_FAST_MS = 2, WRITE_MS = 40, WRITE_MS_PER_KB = 130 };

/* By number, from 1 on. */
static const enum nvs_type types[] = {NVS_U8,  NVS_I8,  NVS_U16,    NVS_I16,
                                      NVS_U32, NVS_I32, NVS_STRING, NVS_BLOB_DATA};
enum { TYPES = sizeof types / sizeof types[0] };

/* 0: one that the command does not know. */
static unsigned type_number(enum nvs_type t)
{
    if (t == NVS_BLOB_OLD) return TYPE_BLOB;
    for (unsigned i = 0; i < TYPES; i++)
        if (types[i] == t) return i + 1;
    return 0;
}

static void fail(struct firmware *fw)
{
    at_error(fw, 0);
}

/* ---- lists ---- */

static bool listed_before(struct firmware *fw, const struct nvs_cursor *until, const char *space)
{
    struct nvs_cursor c = {0};
    struct nvs_entry e;
    while (nvs_next(&fw->mfg, &c, &e) && (c.page != until->page || c.entry != until->entry))
        if (strcmp(e.space, space) == 0) return true;
    return false;
}

/* Namespaces in the order of their first values; one without values is not seen. */
static void list_spaces(struct firmware *fw)
{
    struct nvs_cursor c = {0};
    struct nvs_entry e;
    while (nvs_next(&fw->mfg, &c, &e))
        if (!listed_before(fw, &c, e.space)) at_print(fw, "+SYSMFG:\"%s\"\r\n", e.space);
    at_ok(fw);
}

static void list_keys(struct firmware *fw)
{
    struct nvs_cursor c = {0};
    struct nvs_entry e;
    bool any = false;
    while (nvs_next(&fw->mfg, &c, &e)) {
        if (strcmp(e.space, fw->sysmfg.space) != 0 || !type_number(e.type)) continue;
        at_print(fw, "+SYSMFG:\"%s\",\"%s\",%u\r\n", e.space, e.key, type_number(e.type));
        any = true;
    }
    if (any)
        at_ok(fw);
    else
        fail(fw);
}

/* ---- reading ---- */

/* The type of the key. The same key may be there with two types: then nothing is found. */
static unsigned type_of_key(struct firmware *fw)
{
    struct nvs_cursor c = {0};
    struct nvs_entry e;
    unsigned found = 0, number = 0;
    while (nvs_next(&fw->mfg, &c, &e)) {
        if (strcmp(e.space, fw->sysmfg.space) != 0 || strcmp(e.key, fw->sysmfg.key) != 0) continue;
        number = type_number(e.type);
        found++;
    }
    return found == 1 ? number : 0;
}

static void print_value(struct firmware *fw, unsigned type, const void *value, size_t n)
{
    const struct sysmfg *s = &fw->sysmfg;
    at_print(fw, "+SYSMFG:\"%s\",\"%s\",%u,%zu,", s->space, s->key, type, n);
    at_send(fw, value, n);
    at_print(fw, "\r\n");
    at_ok(fw);
}

static void read_number(struct firmware *fw, unsigned space, unsigned type)
{
    char text[24];
    int64_t value;
    if (!nvs_get_number(&fw->mfg, space, fw->sysmfg.key, types[type - 1], &value)) {
        fail(fw);
        return;
    }
    int n = snprintf(text, sizeof text, "%" PRId64, value);
    print_value(fw, type, text, (size_t)n);
}

static void read_value(struct firmware *fw)
{
    const struct sysmfg *s = &fw->sysmfg;
    const unsigned space = nvs_space(&fw->mfg, s->space), type = type_of_key(fw);
    size_t n = 0;
    if (type && type < TYPE_STRING) {
        read_number(fw, space, type);
        return;
    }
    uint8_t *value = type ? nvs_get(&fw->mfg, space, s->key, types[type - 1], &n) : NULL;
    if (type == TYPE_STRING && n) n--; /* without its NUL */
    size_t length = s->whole ? n : s->length;
    if (value && s->offset <= n && length <= n - s->offset)
        print_value(fw, type, value + s->offset, length);
    else
        fail(fw);
    free(value);
}

static void read_command(struct firmware *fw, const struct at_args *a)
{
    struct sysmfg *s = &fw->sysmfg;
    long offset = 0, length = 0;
    void (*next)(struct firmware *) = list_spaces;
    s->whole = a->count < 4;
    bool range = a->count <= 3 || (a->count == 5 && args_int(a, 3, &offset) == ARG_OK &&
                                   args_int(a, 4, &length) == ARG_OK && offset >= 0 && length >= 0);
    s->offset = (size_t)offset;
    s->length = (size_t)length;
    if (a->count > 1) next = a->count == 2 ? list_keys : read_value;
    if (!range || (a->count > 1 && !nvs_space(&fw->mfg, s->space)))
        fail(fw);
    else
        at_later(fw, firmware_takes(fw, LOOK_MS, LOOK_FAST_MS), next);
}

/* ---- erasing ---- */

static void erase_space(struct firmware *fw)
{
    /* Opened for writing, an unknown namespace comes to be. */
    unsigned space = nvs_space_made(&fw->mfg, fw->sysmfg.space);
    if (!space) {
        fail(fw);
        return;
    }
    nvs_erase_space(&fw->mfg, space);
    at_ok(fw);
}

static void erase_command(struct firmware *fw, const struct at_args *a)
{
    const struct sysmfg *s = &fw->sysmfg;
    if (a->count == 2) {
        at_later(fw, firmware_takes(fw, LOOK_MS, LOOK_FAST_MS), erase_space);
        return;
    }
    unsigned space = a->count == 3 ? nvs_space(&fw->mfg, s->space) : 0;
    if (space && nvs_erase_key(&fw->mfg, space, s->key) == NVS_DONE)
        at_ok(fw);
    else
        fail(fw);
}

/* ---- writing ---- */

static void put(struct firmware *fw, const uint8_t *data, size_t n)
{
    const struct sysmfg *s = &fw->sysmfg;
    unsigned space = nvs_space_made(&fw->mfg, s->space);
    if (space && nvs_put(&fw->mfg, space, s->key, types[s->type - 1], data, n) == NVS_DONE)
        at_ok(fw);
    else
        fail(fw);
}

static void write_number(struct firmware *fw, long value)
{
    uint8_t bytes[4];
    const size_t n = types[fw->sysmfg.type - 1] & 0x0F;
    const bool is_signed = types[fw->sysmfg.type - 1] & 0x10;
    const int64_t span = INT64_C(1) << (8 * n);
    const int64_t least = is_signed ? -span / 2 : 0, most = least + span - 1;
    if (value < least || value > most) {
        fail(fw);
        return;
    }
    le32_put(bytes, (uint32_t)value);
    put(fw, bytes, n);
}

static void write_data(struct firmware *fw)
{
    uint8_t *data = fw->at.data;
    size_t n = fw->sysmfg.length;
    bool text = fw->sysmfg.type == TYPE_STRING;
    if (text && memchr(data, '\0', n))
        fail(fw);
    else
        put(fw, data, text ? n + 1 : n); /* at_collect put a NUL behind it */
}

static void data_complete(struct firmware *fw, uint8_t *data, size_t n)
{
    (void)data;
    const unsigned ms = WRITE_MS + (unsigned)(n * WRITE_MS_PER_KB / 1024);
    at_listen(fw);
    at_later(fw, firmware_takes(fw, ms, LOOK_FAST_MS), write_data);
}

static void write_command(struct firmware *fw, const struct at_args *a)
{
    struct sysmfg *s = &fw->sysmfg;
    long type, value;
    if (a->count != 5 || args_int(a, 3, &type) != ARG_OK || args_int(a, 4, &value) != ARG_OK ||
        type < 1 || type > TYPES) {
        fail(fw);
        return;
    }
    s->type = (unsigned)type;
    if (type < TYPE_STRING) {
        write_number(fw, value);
        return;
    }
    s->length = (size_t)value;
    if (value <= 0 || value > VALUE_MAX || !at_collect(fw, s->length, data_complete))
        fail(fw);
    else
        at_print(fw, "\r\nOK\r\n\r\n>");
}

/* ---- the command ---- */

void cmd_sysmfg_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    if (fw->params == PARAMS_IN_NVS)
        at_later(fw, firmware_takes(fw, LOOK_MS, LOOK_FAST_MS), list_spaces);
    else
        fail(fw);
}

void cmd_sysmfg_set(struct firmware *fw, const struct at_args *a)
{
    struct sysmfg *s = &fw->sysmfg;
    long op;
    *s = (struct sysmfg){0};
    bool good = fw->params == PARAMS_IN_NVS && args_int(a, 0, &op) == ARG_OK &&
                (a->count < 2 || args_str(a, 1, s->space, sizeof s->space) == ARG_OK) &&
                (a->count < 3 || args_str(a, 2, s->key, sizeof s->key) == ARG_OK);
    if (good && op == OP_READ)
        read_command(fw, a);
    else if (good && op == OP_ERASE && a->count > 1)
        erase_command(fw, a);
    else if (good && op == OP_WRITE)
        write_command(fw, a);
    else
        fail(fw);
}
