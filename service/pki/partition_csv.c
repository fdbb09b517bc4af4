/* The CSV form of a partition table, with the meaning that gen_esp32part.py gives to it: a blank
 * offset follows the row before (apps aligned to 64 KB, all else to 4 KB), a negative size is the
 * address where the partition ends, numbers may be hexadecimal and end in K or M.
 * Design: rows are read in one pass, so a blank offset needs only the end of the row before.
 * Stricter than the tool in one point: a name that does not fit is refused, not cut. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "service/pki/partition.h"

enum {
    FIELDS = 6,
    FIELD_TEXT = 40,
    FIRST_OFFSET = 0x9000, /* behind the table itself at its default place */
    NAME_MAX_BYTES = 16,
};

enum field { F_NAME, F_TYPE, F_SUBTYPE, F_OFFSET, F_SIZE, F_FLAGS };

struct word {
    const char *name;
    uint8_t value;
};

static const struct word type_words[] = {{"app", 0}, {"data", 1}, {NULL, 0}};
static const struct word app_words[] = {{"factory", 0x00}, {"test", 0x20}, {NULL, 0}};
static const struct word data_words[] = {
    {"ota", 0x00},      {"phy", 0x01},    {"nvs", 0x02},       {"coredump", 0x03},
    {"nvs_keys", 0x04}, {"efuse", 0x05},  {"undefined", 0x06}, {"esphttpd", 0x80},
    {"fat", 0x81},      {"spiffs", 0x82}, {"littlefs", 0x83},  {NULL, 0},
};
static const struct word no_words[] = {{NULL, 0}};
static const struct word flag_words[] = {{"encrypted", 1}, {"readonly", 2}, {NULL, 0}};

enum { OTA_FIRST = 0x10, OTA_COUNT = 16, DATA_UNDEFINED = 0x06 };

struct line {
    unsigned number;
    char field[FIELDS][FIELD_TEXT];
};

static enum err bad(const struct line *l, const char *why, const char *value)
{
    return err_fail(ERR_ARG, "bad_csv",
                    "A row is: name, type, subtype, offset, size, flags; offset may be blank.",
                    "line %u: %s%s%s%s", l->number, why, value ? " \"" : "", value ? value : "",
                    value ? "\"" : "");
}

static const char *word_find(const struct word *words, const char *text, uint8_t *value_out)
{
    for (; words->name; words++) {
        if (strcasecmp(words->name, text) != 0) continue;
        *value_out = words->value;
        return words->name;
    }
    return NULL;
}

/* Decimal without leading zeros, 0x, 0o or 0b, as the tool's language reads them; K and M multiply.
 */
static bool number_parse(const char *text, int64_t *out)
{
    char s[FIELD_TEXT];
    size_t n = strlen(text);
    memcpy(s, text, n + 1);
    int64_t factor = 1;
    for (; n && factor <= INT32_MAX && strchr("kKmM ", s[n - 1]); s[--n] = '\0')
        factor *= s[n - 1] == ' ' ? 1 : tolower((unsigned char)s[n - 1]) == 'k' ? 1024 : 1048576;
    const char *digits = s + (s[0] == '-' || s[0] == '+');
    int base = 10;
    if (digits[0] == '0' && digits[1]) {
        int c = tolower((unsigned char)digits[1]);
        base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
        if (!base) return false;
        digits += 2;
    }
    if (!isxdigit((unsigned char)digits[0]) || digits[1] == 'x' || digits[1] == 'X') return false;
    char *end = NULL;
    errno = 0;
    long long v = strtoll(digits, &end, base);
    if (errno || *end || v > UINT32_MAX || factor > UINT32_MAX) return false;
    *out = (s[0] == '-' ? -v : v) * factor;
    return true;
}

static enum err byte_parse(const struct line *l, enum field f, const struct word *words,
                           uint8_t *out)
{
    int64_t v = 0;
    if (word_find(words, l->field[f], out)) return ERR_OK;
    if (!number_parse(l->field[f], &v) || v < 0 || v > UINT8_MAX)
        return bad(l, f == F_TYPE ? "unknown type" : "unknown subtype", l->field[f]);
    *out = (uint8_t)v;
    return ERR_OK;
}

static bool ota_slot(const char *text, uint8_t *out)
{
    int64_t slot = 0;
    if (strncasecmp(text, "ota_", 4) != 0 || !isdigit((unsigned char)text[4])) return false;
    if (!number_parse(text + 4, &slot) || slot >= OTA_COUNT) return false;
    *out = (uint8_t)(OTA_FIRST + slot);
    return true;
}

static enum err subtype_parse(const struct line *l, struct partition *p)
{
    const char *text = l->field[F_SUBTYPE];
    if (!*text && p->type == PARTITION_TYPE_APP) return bad(l, "an app needs a subtype", NULL);
    if (!*text) {
        p->subtype = DATA_UNDEFINED;
        return ERR_OK;
    }
    if (p->type == PARTITION_TYPE_APP && ota_slot(text, &p->subtype)) return ERR_OK;
    return byte_parse(l, F_SUBTYPE,
                      p->type == PARTITION_TYPE_APP    ? app_words
                      : p->type == PARTITION_TYPE_DATA ? data_words
                                                       : no_words,
                      &p->subtype);
}

static enum err flags_parse(const struct line *l, struct partition *p)
{
    char text[FIELD_TEXT], *rest = NULL;
    memcpy(text, l->field[F_FLAGS], sizeof text);
    for (char *flag = strtok_r(text, ":", &rest); flag; flag = strtok_r(NULL, ":", &rest)) {
        uint8_t bit = 0;
        if (!word_find(flag_words, flag, &bit)) return bad(l, "unknown flag", flag);
        p->flags |= bit;
    }
    return ERR_OK;
}

static enum err offset_parse(const struct line *l, uint64_t free_from, struct partition *p)
{
    uint64_t align = p->type == PARTITION_TYPE_APP ? 0x10000 : 0x1000;
    int64_t v = (int64_t)((free_from + align - 1) / align * align);
    if (l->field[F_OFFSET][0] && !number_parse(l->field[F_OFFSET], &v))
        return bad(l, "not a number:", l->field[F_OFFSET]);
    if (v < (int64_t)free_from)
        return bad(l, "it starts before the end of what stands above it, offset",
                   l->field[F_OFFSET]);
    if (v > UINT32_MAX) return bad(l, "it starts beyond 4 GB", NULL);
    p->offset = (uint32_t)v;
    return ERR_OK;
}

static enum err size_parse(const struct line *l, struct partition *p)
{
    int64_t v = 0;
    if (!l->field[F_SIZE][0]) return bad(l, "the size is missing", NULL);
    if (!number_parse(l->field[F_SIZE], &v)) return bad(l, "not a number:", l->field[F_SIZE]);
    if (v < 0) v = -v - (int64_t)p->offset;
    if (v < 0 || v > (int64_t)UINT32_MAX - (int64_t)p->offset)
        return bad(l, "the size does not fit the offset:", l->field[F_SIZE]);
    p->size = (uint32_t)v;
    return ERR_OK;
}

static enum err row_parse(const struct line *l, uint64_t free_from, struct partition *p)
{
    const char *name = l->field[F_NAME];
    size_t n = strlen(name);
    memset(p, 0, sizeof *p);
    if (!n || n > NAME_MAX_BYTES) return bad(l, "a name has 1 to 16 characters, not", name);
    memcpy(p->name, name, n);
    if (!l->field[F_TYPE][0]) return bad(l, "the type is missing", NULL);
    enum err e = byte_parse(l, F_TYPE, type_words, &p->type);
    if (!e) e = subtype_parse(l, p);
    if (!e) e = offset_parse(l, free_from, p);
    if (!e) e = size_parse(l, p);
    if (!e) e = flags_parse(l, p);
    return e;
}

static void trim(const char **s, size_t *n)
{
    while (*n && isspace((unsigned char)(*s)[0]))
        (*s)++, (*n)--;
    while (*n && isspace((unsigned char)(*s)[*n - 1]))
        (*n)--;
}

/* Fields after the sixth are ignored, as the tool does. */
static enum err line_split(const char *s, size_t n, struct line *l)
{
    memset(l->field, 0, sizeof l->field);
    for (size_t f = 0; f < FIELDS && n; f++) {
        const char *comma = memchr(s, ',', n), *text = s;
        size_t len = comma ? (size_t)(comma - s) : n;
        n -= comma ? len + 1 : len;
        s += comma ? len + 1 : len;
        trim(&text, &len);
        if (len >= FIELD_TEXT) return bad(l, "a field is too long", NULL);
        for (size_t i = 0; i < len; i++)
            if (text[i] < 0x20 || text[i] > 0x7E)
                return bad(l, "a character that has no place in a partition table", NULL);
        memcpy(l->field[f], text, len);
    }
    return ERR_OK;
}

/* Give the next line without its end: LF, CR LF or CR. */
static size_t line_next(const char **s, size_t *n)
{
    size_t len = 0, step;
    while (len < *n && (*s)[len] != '\n' && (*s)[len] != '\r')
        len++;
    step = len < *n ? len + 1 : len;
    if (step < *n && (*s)[len] == '\r' && (*s)[len + 1] == '\n') step++;
    *s += step;
    *n -= step;
    return len;
}

static enum err csv_parse(const char *csv, size_t n, struct partition_table *out)
{
    struct line l = {0};
    uint64_t free_from = FIRST_OFFSET;
    if (n >= 3 && !memcmp(csv, "\xEF\xBB\xBF", 3)) csv += 3, n -= 3;
    while (n) {
        const char *s = csv;
        size_t len = line_next(&csv, &n);
        l.number++;
        trim(&s, &len);
        if (!len || s[0] == '#') continue;
        enum err e = line_split(s, len, &l);
        if (e) return e;
        if (out->count == PARTITION_TABLE_MAX) return bad(&l, "more than 95 partitions", NULL);
        struct partition *p = &out->rows[out->count];
        e = row_parse(&l, free_from, p);
        if (e) return e;
        free_from = (uint64_t)p->offset + p->size;
        out->count++;
    }
    if (!out->count) return bad(&l, "no partition up to here", NULL);
    return ERR_OK;
}

enum err partition_table_from_csv(const char *csv, size_t n, struct partition_table *out)
{
    memset(out, 0, sizeof *out);
    enum err e = csv_parse(csv, n, out);
    if (e) memset(out, 0, sizeof *out);
    return e;
}
