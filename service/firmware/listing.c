#include "service/firmware/listing.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/json_in.h"
#include "service/firmware/content.h"
#include "service/firmware/header.h"

#define HINT "Send the zip as it was released."

enum { TOKEN = sizeof((struct listing_row *)0)->path };

/* --- rows --- */

static bool offset_get(const char *text, uint32_t *out)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hex ? text + 2 : text;
    size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    if (!n || digits[n] || n > 10) return false;
    unsigned long long v = strtoull(digits, NULL, hex ? 16 : 10);
    *out = (uint32_t)v;
    return v <= UINT32_MAX;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e) return false;
    return true;
}

static enum err row_add(struct listing *l, uint32_t offset, const char *path)
{
    size_t n = strlen(path);
    if (!n || n >= sizeof l->rows->path || !is_printable(path))
        return err_fail(ERR_ARG, "release_bad_parts", HINT,
                        "the path of the part at 0x%x is empty, too long or no plain text",
                        (unsigned)offset);
    if (offset % CONTENT_SECTOR)
        return err_fail(ERR_ARG, "release_bad_parts", HINT,
                        "%s cannot lie at 0x%x: that is not a multiple of 0x1000", path,
                        (unsigned)offset);
    if (l->count == FIRMWARE_PARTS)
        return err_fail(ERR_ARG, "release_bad_parts", HINT, "the release lists more than %d parts",
                        FIRMWARE_PARTS);
    size_t i = l->count;
    for (; i && l->rows[i - 1].offset >= offset; i--)
        if (l->rows[i - 1].offset == offset)
            return err_fail(ERR_ARG, "release_bad_parts", HINT, "%s and %s both lie at 0x%x",
                            l->rows[i - 1].path, path, (unsigned)offset);
    memmove(&l->rows[i + 1], &l->rows[i], (l->count - i) * sizeof *l->rows);
    l->rows[i].offset = offset;
    memcpy(l->rows[i].path, path, n + 1);
    l->count++;
    return ERR_OK;
}

/* A release without parts is none. */
static enum err finish(enum err e, const struct listing *l, const char *file)
{
    if (e || l->count) return e;
    return err_fail(ERR_ARG, "release_bad_parts", HINT, "%s lists no parts", file);
}

/* --- download.config --- */

struct tokens {
    const char *at, *end;
    char text[TOKEN]; /* the present one */
    bool too_long;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* @return false at the end */
static bool next_token(struct tokens *t)
{
    while (t->at < t->end && is_blank(*t->at))
        t->at++;
    const char *from = t->at;
    while (t->at < t->end && !is_blank(*t->at))
        t->at++;
    size_t n = (size_t)(t->at - from);
    t->too_long = n >= sizeof t->text || memchr(from, '\0', n);
    if (t->too_long) n = 0;
    memcpy(t->text, from, n);
    t->text[n] = '\0';
    return n || t->too_long;
}

static bool is_option(const char *text)
{
    return text[0] == '-';
}

/* Newer tools write --flash-size. */
static bool is_flash_size(const char *text)
{
    return !strcmp(text, "--flash_size") || !strcmp(text, "--flash-size");
}

static enum err not_a_pair(const struct tokens *t)
{
    return err_fail(ERR_ARG, "release_bad_parts", HINT,
                    "download.config: \"%.40s\" is neither an option nor an offset with a path",
                    t->too_long || !is_printable(t->text) ? "…" : t->text);
}

enum err listing_from_config(const char *text, size_t n, struct listing *out)
{
    struct tokens t = {.at = text, .end = text + n};
    bool is_size = false, is_value = false; /* what the token before asks for */
    enum err e = ERR_OK;
    memset(out, 0, sizeof *out);
    while (!e && next_token(&t)) {
        uint32_t offset;
        if (is_option(t.text)) {
            is_size = is_flash_size(t.text);
            is_value = true;
        } else if (offset_get(t.text, &offset)) {
            e = next_token(&t) && !t.too_long ? row_add(out, offset, t.text) : not_a_pair(&t);
            is_value = false;
        } else if (is_value) {
            if (is_size) out->flash_bytes = esp_flash_bytes_parse(t.text);
            is_value = false;
        } else {
            e = not_a_pair(&t);
        }
    }
    return finish(e, out, "download.config");
}

/* --- flasher_args.json --- */

static enum err rows_from_json(const json_t *root, struct listing *out)
{
    const char *key;
    json_t *value, *files = json_object_get(root, "flash_files");
    enum err e = ERR_OK;
    json_object_foreach(files, key, value)
    {
        uint32_t offset;
        if (!json_is_string(value) || !offset_get(key, &offset))
            return err_fail(ERR_ARG, "release_bad_parts", HINT,
                            "flasher_args.json: flash_files must map offsets to paths");
        if (!e) e = row_add(out, offset, json_string_value(value));
    }
    const char *size =
        json_string_value(json_object_get(json_object_get(root, "flash_settings"), "flash_size"));
    out->flash_bytes = size ? esp_flash_bytes_parse(size) : 0;
    return finish(e, out, "flasher_args.json");
}

enum err listing_from_json(const char *text, size_t n, struct listing *out)
{
    json_t *root = NULL;
    memset(out, 0, sizeof *out);
    if (json_in_text(text, n, &root))
        return err_fail(ERR_ARG, "release_bad_parts", HINT, "flasher_args.json: %s",
                        err_last()->detail);
    enum err e = rows_from_json(root, out);
    json_decref(root);
    return e;
}
